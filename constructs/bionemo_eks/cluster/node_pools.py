"""The two node pools of a deployment, as the settings describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bionemo_eks.cluster.node_group import CAPACITY_BLOCK, Disk, NodePool
from bionemo_eks.cluster.user_data import gpu_user_data
from bionemo_eks.configuration import efa
from bionemo_eks.configuration.names import name_with_hash, node_group_prefix
from bionemo_eks.configuration.scheduling import (
    ACCELERATOR_LABEL,
    CORE_LABELS,
    GPU_LABELS,
    GPU_TAINT,
    worker_type,
)
from bionemo_eks.configuration.settings import Settings

# For images on the root volume: gp3 writes an image of several GB at only 125 MiB/s by default, and
# allows at most a quarter of a MiB/s per IOPS.
# https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html#gp3-ebs-volume-type
_THROUGHPUT, _IOPS = 1000, 4000
# An agent that has once missed its DCGM engine, for example while a node starts, reports that until
# it is restarted, however healthy the GPUs are: https://github.com/aws/eks-node-monitoring-agent/issues/266
_FALSE_ALARMS = (("AcceleratedHardwareReady", "DCGMError"),)
# Tags on the group, by resource, with what a new node would have; the autoscaler reads them.
# https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
_NODE_TEMPLATE = "k8s.io/cluster-autoscaler/node-template/resources"
# A reservation's nodes are On-Demand nodes: https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html
_CAPACITY_TYPES = {
    "on-demand": "ON_DEMAND",
    "spot": "SPOT",
    "capacity-reservation": "ON_DEMAND",
    "capacity-block": CAPACITY_BLOCK,
}


def core_pool(settings: Settings, tags: Mapping[str, str], subnets: Sequence[str]) -> NodePool:
    """Return the pool for controllers, add-ons and the data Job: never fewer than `core.nodes`.

    `subnets` identify where its nodes are, because another place needs another node group.
    """
    core = settings.core
    return NodePool(
        name=_name(settings, "core", core.instance_type, settings.release.core_ami_type, *subnets),
        instance_types=(core.instance_type,),
        ami_type=settings.release.core_ami_type,
        kubernetes_version=settings.kubernetes_version,
        min_nodes=core.nodes,
        max_nodes=core.max_nodes,
        disk=Disk(core.disk_gib, key=settings.account.kms_key),
        labels=CORE_LABELS,
        tags={**tags, "Name": f"{settings.cluster_name}-core"},
    )


def gpu_pool(settings: Settings, tags: Mapping[str, str], subnets: Sequence[str]) -> NodePool:
    """Return the pool for the training: from 0 nodes, or always `gpu.nodes` with scaling `fixed`.

    `subnets`: as for core_pool().
    """
    gpu = settings.gpu
    fixed = gpu.scaling == "fixed"
    node_has = _efa_of_a_node(settings)
    return NodePool(
        name=_gpu_name(settings, subnets, node_has),
        instance_types=gpu.types,
        ami_type=settings.release.gpu_ami_type,
        kubernetes_version=settings.kubernetes_version,
        min_nodes=gpu.nodes if fixed else 0,
        max_nodes=gpu.nodes,
        disk=_gpu_disk(settings),
        labels={
            **GPU_LABELS,
            "WorkerType": worker_type(gpu.purchase),
            ACCELERATOR_LABEL: _accelerator(settings.gpu_instance.gpu_model),
        },
        taint=GPU_TAINT,
        capacity_type=_CAPACITY_TYPES[gpu.purchase],
        capacity_reservation_id=gpu.capacity_reservation_id,
        capacity_reservation_group=gpu.capacity_reservation_group,
        # Reserved instances need not be close together, unless reserved in a placement group:
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/limitations-placement-groups.html
        # AWS places a Capacity Block's instances close together by itself:
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-using.html
        cluster_placement=not (gpu.capacity_reservation_id or gpu.capacity_reservation_group),
        # An update must not wait for one more node than the quota or the zone has.
        replace_in_place=True,
        user_data=gpu_user_data(efa.huge_pages_mib(settings.gpu_instance) if settings.efa else 0),
        ami_release=gpu.ami_release,
        repair=gpu.repair != "off",
        not_repaired=_FALSE_ALARMS if gpu.repair == "gpus" else (),
        interfaces=efa.interfaces(settings.gpu_instance) if settings.efa else (),
        tags={**tags, "Name": f"{settings.cluster_name}-gpu"},
        group_tags={f"{_NODE_TEMPLATE}/{name}": amount for name, amount in node_has.items()},
    )


def _gpu_name(settings: Settings, subnets: Sequence[str], efa_of_a_node: Mapping[str, str]) -> str:
    gpu, capacity_type = settings.gpu, _CAPACITY_TYPES[settings.gpu.purchase]
    # One group per block: EKS plans for the block's end when it creates the group.
    block = [gpu.capacity_reservation_id] if capacity_type == CAPACITY_BLOCK else []
    return _name(
        settings,
        "gpu",
        gpu.instance_type,
        settings.release.gpu_ami_type,
        capacity_type,
        *block,
        *subnets,
        # With repair off the name stays what it was before there was repair.
        *([] if gpu.repair == "off" else [f"repair {gpu.repair}"]),
        *(f"{name} {amount}" for name, amount in efa_of_a_node.items()),
    )


def _efa_of_a_node(settings: Settings) -> dict[str, str]:
    """Return what a node has for EFA at least, by resource: the autoscaler cannot know."""
    if not settings.efa:
        return {}
    instance = settings.gpu_instance
    return {
        efa.RESOURCE: str(efa.efas(instance)),
        efa.HUGE_PAGES: f"{efa.huge_pages_mib(instance)}Mi",
    }


def _gpu_disk(settings: Settings) -> Disk:
    """Return the root volume: a fast one if there is no NVMe for images."""
    size, key = settings.gpu.disk_gib, settings.account.kms_key
    if settings.gpu_instance.nvme_gb:
        return Disk(size, key=key)
    return Disk(size, _THROUGHPUT, _IOPS, key)


def _name(settings: Settings, kind: str, *replacing: str) -> str:
    """Return a node group's name, which changes with whatever requires a new group."""
    return name_with_hash(node_group_prefix(settings, kind).rstrip("-"), *replacing)


def _accelerator(gpu_model: str) -> str:
    """Return a GPU's name as a label value: `RTX PRO Server 6000` has spaces."""
    return f"nvidia-{gpu_model.lower().replace(' ', '-')}"
