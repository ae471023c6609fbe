"""The Kubernetes objects of a training: the PyTorchJob, its launcher and its watch."""

from __future__ import annotations

import math

from bionemo_eks.configuration.instance_types import InstanceType
from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.configuration.workload import Workload
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.manifests import KubernetesObject

# What the node keeps for itself: system daemons, the kubelet and the DaemonSets' pods. Of a small
# node's memory that is more than the share: what the hypervisor keeps, and GiB for all the others.
_NODE_CPUS, _NODE_MEMORY_SHARE = 2, 0.12
_HYPERVISOR_SHARE, _DAEMONS_GIB = 0.075, 2


def training_job(settings: Settings, dataset_job: KubernetesObject) -> KubernetesObject:
    """Return the workload's PyTorchJob, suspended, that waits for `dataset_job`.

    Each worker asks for its share of a node's CPUs and memory, so that a node's GPUs, and no
    more, are taken by its pods.
    """
    workload = settings.workload
    node, gpus_per_worker = settings.gpu_instance, settings.gpus_per_worker
    share = gpus_per_worker / node.gpus
    memory_gib = math.floor((node.memory_gib - _kept_gib(node)) * share)
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


def _kept_gib(node: InstanceType) -> float:
    return max(
        node.memory_gib * _NODE_MEMORY_SHARE, node.memory_gib * _HYPERVISOR_SHARE + _DAEMONS_GIB
    )


def launcher_objects(
    workload: Workload, *, dataset_job: KubernetesObject, training_job: KubernetesObject
) -> list[KubernetesObject]:
    """Return the launcher's account, rights and Job, in the order to apply them."""
    waits_for = {"dataset_job": dataset_job["metadata"]["name"]}
    return _companion("launcher", workload.launcher, waits_for, training_job)


def watch_objects(
    workload: Workload, *, launcher: KubernetesObject, training_job: KubernetesObject
) -> list[KubernetesObject]:
    """Return the account, rights and Job that tell of the training's end, in the order to apply."""
    waits_for = {"launcher": launcher["metadata"]["name"]}
    return _companion("watch", workload.watch, waits_for, training_job)


def _companion(
    what: str, account: str, values: dict[str, str], training_job: KubernetesObject
) -> list[KubernetesObject]:
    """Return the objects of `manifests/workload/<what>.yaml`; its Job is new for each training."""
    objects = manifests.load(
        f"workload/{what}.yaml",
        {
            "image": IMAGES["kubectl"].reference,
            "account": account,
            "training": training_job["metadata"]["name"],
            **values,
        },
    )
    job = objects[-1]
    job["metadata"]["name"] = name_with_hash(account, job["spec"], training_job["spec"])
    return objects
