"""The Kubernetes objects of a training: the PyTorchJob and its launcher."""

from __future__ import annotations

import math

from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.configuration.workload import Workload
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.manifests import KubernetesObject

# What the node keeps for itself: system daemons, the kubelet and the DaemonSets' pods.
_NODE_CPUS, _NODE_MEMORY_SHARE = 2, 0.12


def training_job(settings: Settings, dataset_job: KubernetesObject) -> KubernetesObject:
    """Return the workload's PyTorchJob, suspended, that waits for `dataset_job`.

    Each worker asks for its share of a node's CPUs and memory, so that a node's GPUs, and no
    more, are taken by its pods.
    """
    workload = settings.workload
    node, gpus_per_worker = settings.gpu_instance, settings.gpus_per_worker
    share = gpus_per_worker / node.gpus
    memory_gib = math.floor(node.memory_gib * (1 - _NODE_MEMORY_SHARE) * share)
    return manifests.load_one(
        workload.manifest.name,
        {
            "dataset_job": dataset_job["metadata"]["name"],
            "enabled": str(settings.training.enabled).lower(),
            "workers": settings.workers,
            "restarts": workload.restarts.per_worker * settings.workers,
            "process_restarts": workload.restarts.of_processes,
            "gpus_per_worker": gpus_per_worker,
            "image": settings.training.image,
            "cpus": math.floor((node.vcpus - _NODE_CPUS) * share),
            "memory": f"{memory_gib}Gi",
            "shared_memory": f"{max(memory_gib // 4, 1)}Gi",
            **workload.values(settings),
        },
        root=workload.manifest.parent,
    )


def launcher_objects(
    workload: Workload, *, dataset_job: KubernetesObject, training_job: KubernetesObject
) -> list[KubernetesObject]:
    """Return the launcher's account, rights and Job, in the order to apply them.

    The Job is new for each training.
    """
    objects = manifests.load(
        "workload/launcher.yaml",
        {
            "image": IMAGES["kubectl"].reference,
            "account": workload.launcher,
            "training": training_job["metadata"]["name"],
            "dataset_job": dataset_job["metadata"]["name"],
        },
    )
    job = objects[-1]
    job["metadata"]["name"] = name_with_hash(workload.launcher, job["spec"], training_job["spec"])
    return objects
