"""The Kubernetes objects of a training: its program, the PyTorchJob and its launcher."""

from __future__ import annotations

import math

from bionemo_eks.configuration import efa
from bionemo_eks.configuration.instance_types import InstanceType
from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.configuration.workload import Workload
from bionemo_eks.jobs import capacity_block, manifests, pull_secret
from bionemo_eks.jobs.efa import let_it_use_efa
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import DATA_LOCK, NO_JOB, NOTES, PROGRAMS, STATE, TRAINING_PROGRAM

PROGRAM_FOLDER = PROGRAMS / "training"

# What the node needs itself: system daemons, kubelet and the DaemonSets' pods. On a small node that
# is more than the share of memory: what the hypervisor keeps, plus GiB for everything else.
_NODE_CPUS, _NODE_MEMORY_SHARE = 2, 0.12
_HYPERVISOR_SHARE, _DAEMONS_GIB = 0.075, 2


def training_program(workload: Workload) -> KubernetesObject:
    """Return the ConfigMap with the start program and the workload's own files."""
    files = manifests.program_files(PROGRAM_FOLDER, *workload.program.folders)
    name = name_with_hash(f"{workload.name}-program", files)
    values = {"name": name, "files": files, "training": workload.job}
    return manifests.load_one("workload/training-program.yaml", values)


def training_job(settings: Settings, dataset_job: KubernetesObject | None) -> KubernetesObject:
    """Return the workload's PyTorchJob, suspended until `dataset_job`, if any, has succeeded.

    Each worker requests its share of a node's CPUs and memory, so that a node's pods use exactly
    its GPUs.
    """
    workload = settings.workload
    node, gpus_per_worker = settings.gpu_instance, settings.gpus_per_worker
    share = gpus_per_worker / node.gpus
    memory_gib = math.floor(_memory_gib(settings) * share)
    job = manifests.load_one(
        workload.manifest.name,
        {
            "dataset_job": dataset_job["metadata"]["name"] if dataset_job else NO_JOB,
            "enabled": str(settings.training.enabled).lower(),
            "workers": settings.workers,
            "restarts": workload.restarts.per_worker * settings.workers,
            "gpus_per_worker": gpus_per_worker,
            "image": settings.training.image,
            "program": training_program(workload)["metadata"]["name"],
            "arguments": _arguments(settings),
            "cpus": math.floor((node.vcpus - _NODE_CPUS) * share),
            "memory": f"{memory_gib}Gi",
            "shared_memory": f"{max(memory_gib // 4, 1)}Gi",
            **workload.values(settings),
        },
        root=workload.manifest.parent,
    )
    for replicas in job["spec"]["pytorchReplicaSpecs"].values():
        pull_secret.let_it_pull(settings, replicas["template"]["spec"])
        let_it_use_efa(settings, replicas["template"]["spec"])
    return job


def _memory_gib(settings: Settings) -> float:
    """Return how much of a node's memory workers may use, whichever of its types it is."""
    return min(
        each.memory_gib - _kept_gib(each) - (efa.reserved_mib(each) / 1024 if settings.efa else 0)
        for each in settings.gpu_instances
    )


def _arguments(settings: Settings) -> list[str]:
    """Return the arguments of a worker's container, after its manifest's own command."""
    program = settings.workload.program
    start = ["python3", f"{TRAINING_PROGRAM}/start.py"] if program.by_entry_point else []
    return [*start, *_start(settings), "--", *program.command(settings)]


def _start(settings: Settings) -> list[str]:
    """Return the start program's own arguments."""
    workload = settings.workload
    options = {
        "--state": f"{STATE}/{workload.job}",
        "--workers": settings.workers,
        "--failures": workload.restarts.in_a_row,
        "--data-lock": DATA_LOCK,
        "--shared-memory": "/dev/shm",
    }
    return [*_asked(settings), *(str(part) for option in options.items() for part in option)]


def _asked(settings: Settings) -> list[str]:
    """Return the options that tell both programs when the training is complete."""
    workload = settings.workload
    options = {
        "--rules": workload.program.rules,
        "--results": workload.program.results(settings),
        "--data": workload.data,
        "--max-steps": settings.training.max_steps,
    }
    return [str(part) for option in options.items() for part in option]


def _kept_gib(node: InstanceType) -> float:
    return max(
        node.memory_gib * _NODE_MEMORY_SHARE, node.memory_gib * _HYPERVISOR_SHARE + _DAEMONS_GIB
    )


def launcher_objects(
    settings: Settings, *, dataset_job: KubernetesObject, training_job: KubernetesObject
) -> list[KubernetesObject]:
    """Return the launcher's account, permissions and Job, in the order to apply them.

    The Job is new for each training.
    """
    workload = settings.workload
    objects = manifests.load(
        "workload/launcher.yaml",
        {
            "image": IMAGES["kubectl"].reference,
            "account": workload.launcher,
            "training": training_job["metadata"]["name"],
            "dataset_job": dataset_job["metadata"]["name"],
            "program": training_program(workload)["metadata"]["name"],
            # Also the data Job's image, so a core node already has it.
            "python_image": settings.training.image,
            "asks": [
                *_asked(settings),
                *("--max-hours", str(settings.training.max_hours), "--notes", NOTES),
            ],
        },
    )
    job = objects[-1]
    pull_secret.let_it_pull(settings, job["spec"]["template"]["spec"])
    objects[-1:-1] = capacity_block.let_it_wait(settings, job)
    job["metadata"]["name"] = name_with_hash(workload.launcher, job["spec"], training_job["spec"])
    return objects
