"""EFA, by which NCCL goes from node to node past the kernel: where it can be, and what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bionemo_eks.configuration.instance_types import InstanceType
from bionemo_eks.configuration.workload import Workload

# What pods ask for; the device plugin, and the kernel, tell the node's kubelet how many there are.
RESOURCE, HUGE_PAGES = "vpc.amazonaws.com/efa", "hugepages-2Mi"
HUGE_PAGE_MIB = 2
# libfabric's two pools of packets of an endpoint, and an endpoint for each CPU; AWS' own manifests
# ask for no more than this. Sources:
# https://github.com/awslabs/libfabric-ci-scripts/blob/master/efa-check.sh
# https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html
_MIB_PER_CPU, _MOST_MIB = 110, 5120
# What EFA's driver sets aside when a node starts, and no process without huge pages can have. EKS'
# page says 10,256 MiB; seen were 21,122 MiB of a p4de's 96 CPUs, and 42,242 of a p5's 192:
# https://github.com/shimomut/sagemaker-solutions/tree/main/hyperpod_k8s
_RESERVED_MIB_PER_CPU = 220


@dataclass(frozen=True)
class Interface:
    """One network interface of a node: its card, its place there, and EC2's name for its type."""

    card: int
    device: int
    type: str


def interfaces(instance: InstanceType) -> tuple[Interface, ...]:
    """Return a node's network interfaces: one with addresses, and one that is an EFA alone a card.

    On card 0 the EFA comes second, where that card takes one; on the others it is the first:
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
    """Return how many EFAs a node has, all of which one pod takes."""
    return sum(card.efa for card in instance.network_cards)


def huge_pages_mib(instance: InstanceType) -> int:
    """Return the MiB of huge pages that a pod with all EFAs of its node asks for."""
    return min(_MIB_PER_CPU * instance.vcpus, _MOST_MIB)


def reserved_mib(instance: InstanceType) -> int:
    """Return the MiB of huge pages that a node with EFA sets aside of its memory."""
    return _RESERVED_MIB_PER_CPU * instance.vcpus + HUGE_PAGE_MIB


def why_no_efa(workload: Workload, layout: str, instances: Sequence[InstanceType]) -> str:
    """Say why a training cannot use EFA on nodes of these types; empty where it can."""
    if not workload.can_use_efa:
        return f"the image of {workload.title} has no libfabric for NCCL"
    if layout != "pod-per-node":
        return "an EFA belongs to one pod, so it takes training.layout pod-per-node"
    if not any(efas(each) for each in instances):
        return f"{' and '.join(each.name for each in instances)} has none"
    return ""


def cards_differ(instances: Sequence[InstanceType]) -> str:
    """Say how the network cards of types differ; empty where all are alike.

    A launch template has one list of interfaces for all its types.
    """
    cards = {each.name: tuple(card.efa for card in each.network_cards) for each in instances}
    if len(set(cards.values())) == 1:
        return ""
    return ", ".join(f"{name} has {len(each)} with {sum(each)} EFA" for name, each in cards.items())
