"""EFA, NCCL's kernel-bypass path between nodes: where it is available, and what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bionemo_eks.configuration.instance_types import InstanceType
from bionemo_eks.configuration.workload import Workload

# What pods request; the device plugin and the kernel report to kubelet how many there are.
RESOURCE, HUGE_PAGES = "vpc.amazonaws.com/efa", "hugepages-2Mi"
HUGE_PAGE_MIB = 2
# libfabric has two packet pools per endpoint, and one endpoint per CPU; AWS's own manifests request
# no more than this. Sources:
# https://github.com/awslabs/libfabric-ci-scripts/blob/master/efa-check.sh
# https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html
_MIB_PER_CPU, _MOST_MIB = 110, 5120
# What the EFA driver reserves when a node starts, out of reach of processes without huge pages.
# EKS's page says 10,256 MiB; observed: 21,122 MiB on a p4de (96 CPUs), 42,242 on a p5 (192):
# https://github.com/shimomut/sagemaker-solutions/tree/main/hyperpod_k8s
_RESERVED_MIB_PER_CPU = 220


@dataclass(frozen=True)
class Interface:
    """One network interface of a node: its card, its index there, and EC2's interface type."""

    card: int
    device: int
    type: str


def interfaces(instance: InstanceType) -> tuple[Interface, ...]:
    """Return a node's network interfaces: one with addresses, and one EFA-only per card.

    On card 0 the EFA comes second, if that card supports one; on the others it is the first:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html
    """
    return (
        Interface(0, 0, "interface"),
        *(
            Interface(index, 0 if index else 1, "efa-only")
            for index, card in enumerate(instance.network_cards)
            if card.efa
        ),
    )


def efas(instance: InstanceType) -> int:
    """Return how many EFAs a node has; one pod takes all of them."""
    return sum(card.efa for card in instance.network_cards)


def huge_pages_mib(instance: InstanceType) -> int:
    """Return the MiB of huge pages that a pod with all of its node's EFAs requests."""
    return min(_MIB_PER_CPU * instance.vcpus, _MOST_MIB)


def reserved_mib(instance: InstanceType) -> int:
    """Return the MiB of memory that a node with EFA reserves as huge pages."""
    return _RESERVED_MIB_PER_CPU * instance.vcpus + HUGE_PAGE_MIB


def why_no_efa(workload: Workload, layout: str, instances: Sequence[InstanceType]) -> str:
    """Say why a training cannot use EFA on nodes of these types; empty if it can."""
    if not workload.can_use_efa:
        return f"the image of {workload.title} has no libfabric for NCCL"
    if layout != "pod-per-node":
        return "an EFA belongs to one pod, so it needs training.layout pod-per-node"
    if not any(efas(each) for each in instances):
        return f"{' and '.join(each.name for each in instances)} has none"
    return ""


def cards_differ(instances: Sequence[InstanceType]) -> str:
    """Say how the types' network cards differ; empty if they are all alike.

    A launch template has one list of interfaces for all its types.
    """
    cards = {each.name: tuple(card.efa for card in each.network_cards) for each in instances}
    if len(set(cards.values())) == 1:
        return ""
    return ", ".join(f"{name} has {len(each)} with {sum(each)} EFA" for name, each in cards.items())
