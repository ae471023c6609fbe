"""NCCL's `all_reduce_perf` between the GPU nodes, in the image that has it: one pod per node."""

from __future__ import annotations

from bionemo_eks.configuration.instance_types import Capability
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.efa import let_it_use_efa
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import PROGRAMS

# The lowest compute capability that CUDA 13, in the image, supports:
# https://docs.nvidia.com/cuda/archive/13.0.0/cuda-toolkit-release-notes/index.html
LOWEST: Capability = (7, 5)
_SCRIPT = PROGRAMS / "network_test" / "all_reduce.sh"
# Per node: NCCL's buffers in shared memory, and one process per GPU.
_GIB_PER_GPU, _CPUS_PER_GPU = 4, 1


def network_test_objects(settings: Settings, name: str, seconds: int) -> list[KubernetesObject]:
    """Return the Service and the Job of a test that Kubernetes ends after `seconds`.

    The first pod, by its index, runs the test and prints NCCL's transport and the test's table.
    """
    gpus, nodes = settings.gpu_instance.gpus, settings.gpu.nodes
    script = _SCRIPT.read_text(encoding="utf-8")
    objects = manifests.load(
        "workload/network-test.yaml",
        {
            "name": name,
            "nodes": nodes,
            "seconds": seconds,
            "image": IMAGES["pytorch"].reference,
            "arguments": ["bash", "-c", script, _SCRIPT.name, name, str(nodes), str(gpus)],
            "cpus": gpus * _CPUS_PER_GPU,
            "memory": f"{2 * gpus * _GIB_PER_GPU}Gi",
            "shared_memory": f"{gpus * _GIB_PER_GPU}Gi",
            "gpus": gpus,
        },
    )
    let_it_use_efa(settings, objects[-1]["spec"]["template"]["spec"])
    return objects
