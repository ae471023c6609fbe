"""What the cluster's API reports: nodes and GPUs by node group, claims of GPUs, and the jobs."""

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
# Labels with the name of the job that a pod belongs to: a PyTorchJob or a Kubernetes Job.
_OWNERS = ("training.kubeflow.org/job-name", "batch.kubernetes.io/job-name")
_UNENDED = "status.phase!=Succeeded,status.phase!=Failed"
# EKS labels the nodes of managed node groups:
# https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
_GROUP = "eks.amazonaws.com/nodegroup"


@dataclass(frozen=True)
class Claim:
    """GPUs that the pods of one job, or a pod without a job, hold or wait for."""

    namespace: str
    name: str
    held: int
    waited_for: int


@dataclass(frozen=True)
class Inside:
    """Ready nodes and allocatable GPUs by node group, claims of GPUs, and the jobs.

    None if unknown; claims with the most GPUs first.
    """

    ready: dict[str, int] | None
    gpus: dict[str, int] | None
    claims: list[Claim] | None
    jobs: Jobs


def inside(deployment: Deployment) -> Inside:
    """Return what the cluster reports, asking only once; ClusterError if it is unreachable."""

    def ask() -> Inside:
        with connected(deployment) as api:
            return _seen(api, deployment.settings.workload)

    return deployment.once("inside", ask)


def _seen(api: kubernetes.ApiClient, workload: Workload) -> Inside:
    """Return what a reachable cluster reports; the jobs are those of `workload`."""
    claims = _claims(api)
    try:
        nodes = asked(kubernetes.CoreV1Api(api).list_node).items
    except ClusterError:
        return Inside(None, None, claims, jobs(api, workload))
    ready, gpus = Counter[str](), Counter[str]()
    for node in nodes:
        group = (node.metadata.labels or {}).get(_GROUP, "")
        ready[group] += is_ready(node)
        gpus[group] += allocatable(node)
    return Inside(dict(ready), dict(gpus), claims, jobs(api, workload))


def _claims(api: kubernetes.ApiClient) -> list[Claim] | None:
    """Return the GPU claims in all namespaces; None if the caller may not list their pods."""
    try:
        pods = asked(
            kubernetes.CoreV1Api(api).list_pod_for_all_namespaces, field_selector=_UNENDED
        ).items
    except ClusterError:
        return None
    held, waited_for = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for pod in pods:
        labels = pod.metadata.labels or {}
        owner = next((labels[each] for each in _OWNERS if each in labels), pod.metadata.name)
        of = held if pod.spec.node_name else waited_for
        of[pod.metadata.namespace, owner] += _claimed(pod)
    totals = (held + waited_for).most_common()
    return [Claim(*whose, held[whose], waited_for[whose]) for whose, _ in totals]


def _claimed(pod: Any) -> int:
    """GPUs that a pod's containers claim: for GPUs, a limit is also the request, and vice versa.

    https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/
    """
    claims = (each.resources.limits or {} for each in pod.spec.containers if each.resources)
    return sum(int(each.get(GPU, 0)) for each in claims)


def is_ready(node: Any) -> bool:
    """Whether a node accepts pods: Ready, and not cordoned."""
    if node.spec is not None and node.spec.unschedulable:
        return False
    return any(
        each.type == "Ready" and each.status == "True" for each in node.status.conditions or []
    )


def allocatable(node: Any, resource: str = GPU) -> int:
    """GPUs, or units of another resource, that pods can use on a node."""
    return int((node.status.allocatable or {}).get(resource, 0))
