"""What the cluster's own API tells: nodes by node group, and the jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from kubernetes import client as kubernetes

from bionemo_eks.configuration.workload import Workload
from ops.aws import Deployment
from ops.cluster.api import ClusterError, asked, connected
from ops.cluster.jobs import Jobs, jobs

GPU = "nvidia.com/gpu"
# EKS labels the nodes of managed node groups:
# https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
_GROUP = "eks.amazonaws.com/nodegroup"


@dataclass(frozen=True)
class Inside:
    """Ready nodes and allocatable GPUs by node group, None if it does not tell; and the jobs."""

    ready: dict[str, int] | None
    gpus: dict[str, int] | None
    jobs: Jobs


def inside(deployment: Deployment) -> Inside:
    """Return what the cluster tells, asking it once; ClusterError when it cannot be reached."""

    def ask() -> Inside:
        with connected(deployment) as api:
            return _seen(api, deployment.settings.workload)

    return deployment.once("inside", ask)


def _seen(api: kubernetes.ApiClient, workload: Workload) -> Inside:
    """Return what a cluster that answers tells; the jobs are those of `workload`."""
    try:
        nodes = asked(kubernetes.CoreV1Api(api).list_node).items
    except ClusterError:
        return Inside(None, None, jobs(api, workload))
    ready, gpus = Counter[str](), Counter[str]()
    for node in nodes:
        group = (node.metadata.labels or {}).get(_GROUP, "")
        ready[group] += is_ready(node)
        gpus[group] += allocatable(node)
    return Inside(dict(ready), dict(gpus), jobs(api, workload))


def is_ready(node: Any) -> bool:
    """Whether a node takes pods: Ready, and not cordoned."""
    if node.spec is not None and node.spec.unschedulable:
        return False
    return any(
        each.type == "Ready" and each.status == "True" for each in node.status.conditions or []
    )


def allocatable(node: Any, resource: str = GPU) -> int:
    """GPUs, or pieces of another resource, that pods can have on a node."""
    return int((node.status.allocatable or {}).get(resource, 0))
