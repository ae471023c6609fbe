"""A small model of kube-scheduler: places pods by labels, taints and resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from bionemo_eks.configuration import efa
from bionemo_eks.configuration.instance_types import InstanceType

_MI = 2**20
# Memory that an instance's hypervisor and kernel keep, as Karpenter assumes it:
# https://karpenter.sh/docs/reference/settings/ (VM_MEMORY_OVERHEAD_PERCENT)
_MEMORY_OVERHEAD = 0.075
_EVICTION = 100 * _MI
# What the DaemonSets of this project's add-ons request on a node, rounded up: CNI, kube-proxy,
# CSI driver, Pod Identity agent, CloudWatch agent, Fluent Bit, device plugin.
_DAEMONS = {"cpu": 0.7, "memory": 700 * _MI}


@dataclass
class Node:
    """A node and its free resources: CPUs, bytes of memory and of huge pages, GPUs, EFAs, pods."""

    name: str
    labels: Mapping[str, str]
    taints: list[dict[str, str]]
    free: dict[str, float]


def make_node(
    name: str,
    instance: InstanceType,
    labels: Mapping[str, str],
    taints: Iterable[Mapping[str, str]] = (),
    efas: int = 0,
) -> Node:
    """Return an empty node: what `instance` has, minus kubelet, system and DaemonSets.

    Formulas: https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go
    """
    memory = instance.memory_gib * 2**30 * (1 - _MEMORY_OVERHEAD)
    memory -= (255 + 11 * instance.max_pods) * _MI + _EVICTION
    huge_pages = efa.reserved_mib(instance) * _MI if efas else 0
    return Node(
        name=name,
        labels=dict(labels),
        taints=[dict(each) for each in taints],
        free={
            "cpu": instance.vcpus - _reserved_cpus(instance.vcpus) - _DAEMONS["cpu"],
            "memory": memory - _DAEMONS["memory"] - huge_pages,
            "nvidia.com/gpu": instance.gpus,
            "pods": instance.max_pods,
            efa.RESOURCE: efas,
            efa.HUGE_PAGES: huge_pages,
        },
    )


def _reserved_cpus(vcpus: int) -> float:
    """6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest."""
    shares = [0.06, 0.01, 0.005, 0.005]
    return sum(shares[:vcpus]) + 0.0025 * max(vcpus - len(shares), 0)


def requests(pod_spec: Mapping[str, Any]) -> dict[str, float]:
    """Return a pod's requests: the sum over its containers, or an init container's if larger.

    A limit without a request counts as a request. Memory-backed volumes need no more: their files
    count toward the containers' memory limits.
    """
    total: dict[str, float] = {"pods": 1}
    for container in pod_spec["containers"]:
        for name, amount in _container_requests(container).items():
            total[name] = total.get(name, 0) + amount
    for container in pod_spec.get("initContainers", []):
        for name, amount in _container_requests(container).items():
            total[name] = max(total.get(name, 0), amount)
    return total


def _container_requests(container: Mapping[str, Any]) -> dict[str, float]:
    resources = container.get("resources", {})
    asked = {**resources.get("limits", {}), **resources.get("requests", {})}
    return {
        name: float(parse_quantity(amount))  # type: ignore[no-untyped-call]
        for name, amount in asked.items()
    }


def may_run_on(pod_spec: Mapping[str, Any], node: Node) -> bool:
    """Whether labels and taints allow the pod on the node, however full it is."""
    selector = pod_spec.get("nodeSelector", {})
    if any(node.labels.get(key) != value for key, value in selector.items()):
        return False
    tolerations = pod_spec.get("tolerations", [])
    return all(any(_tolerates(each, taint) for each in tolerations) for taint in node.taints)


def _tolerates(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    if toleration.get("effect") not in (None, taint["effect"]):
        return False
    exists = toleration.get("operator") == "Exists"
    if "key" not in toleration:
        return exists
    same_value = toleration.get("value", "") == taint.get("value", "")
    return toleration["key"] == taint["key"] and (exists or same_value)


def place(pods: Iterable[Mapping[str, Any]], nodes: list[Node]) -> dict[str, str | None]:
    """Place the pods one by one; return each pod's node, or None if none fits."""
    placed: dict[str, str | None] = {}
    for pod in pods:
        name, asked = pod["metadata"]["name"], requests(pod["spec"])
        placed[name] = None
        for node in nodes:
            roomy = all(node.free.get(key, 0) >= amount for key, amount in asked.items())
            if roomy and may_run_on(pod["spec"], node):
                for key, amount in asked.items():
                    node.free[key] -= amount
                placed[name] = node.name
                break
    return placed
