"""Node groups: how many nodes are wanted, how many are ready, how many GPUs they have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from ops.aws import Deployment
from ops.cluster.api import ClusterError
from ops.cluster.inside import Inside, inside
from ops.reasons import reason
from ops.status.lines import Line, judged
from ops.status.no_capacity import no_capacity

_PART = "Node groups"


def node_groups(deployment: Deployment) -> list[Line]:
    """Return a line for each node group; the cluster's API reports which nodes are ready."""
    try:
        seen = inside(deployment)
    except ClusterError:  # then the number of ready nodes is unknown
        seen = None
    eks, cluster = deployment.aws.client("eks"), deployment.settings.cluster_name
    groups = deployment.aws.pages("eks", "list_nodegroups", "nodegroups", clusterName=cluster)
    found = {
        name: eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
        for name in groups
    }
    return [
        _with_capacity(deployment, group, _line(name, _with_type(deployment, group), seen), seen)
        for name, group in found.items()
    ]


def _with_capacity(
    deployment: Deployment, group: dict[str, Any], line: Line, seen: Inside | None
) -> Line:
    """Return the line; if AWS has no capacity for the group, the line says so."""
    ready = (seen.ready or {}).get(line.name, 0) if seen else 0
    if ready >= group["scalingConfig"]["maxSize"]:
        return line
    try:
        waiting = no_capacity(deployment, group)
    except (ClientError, BotoCoreError) as error:
        waiting = f"capacity unknown: {reason(error)}"
        return replace(line, state=f"{line.state}; {waiting}")
    if not waiting:
        return line
    return replace(
        line,
        state=f"{line.state}; {waiting}",
        good=None if line.good else line.good,
        unsettled=True,
    )


def _with_type(deployment: Deployment, group: dict[str, Any]) -> dict[str, Any]:
    """Return the group with its type, which in a Capacity Block is only in the launch template.

    https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
    """
    if group.get("capacityType") != "CAPACITY_BLOCK":
        return group
    return {**group, "instanceTypes": list(deployment.settings.gpu.types)}


def _line(name: str, group: dict[str, Any], seen: Inside | None) -> Line:
    # EKS reports none if the launch template has the type:
    # https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
    sizes, kinds = group["scalingConfig"], group.get("instanceTypes") or ["?"]
    wanted, kind = sizes["desiredSize"], " or ".join(kinds)
    # All types have the same number of GPUs.
    gpus = wanted * GPU_INSTANCE_TYPES[kinds[0]].gpus if kinds[0] in GPU_INSTANCE_TYPES else 0
    parts = [group["status"], f"{wanted} of at most {sizes['maxSize']} {kind}"]
    ready = None
    if seen is not None and seen.ready is not None and seen.gpus is not None:
        ready = seen.ready.get(name, 0)
        parts.append(f"{ready} ready")
        if gpus:
            parts.append(f"{seen.gpus.get(name, 0)} of {gpus} GPUs allocatable")
    elif wanted:
        parts.append("readiness unknown")
        if gpus:
            parts.append(f"{gpus} GPUs")
    issues = [each.get("message", "") for each in group.get("health", {}).get("issues", [])]
    state = "; ".join([", ".join(parts), *issues])
    line = judged(_PART, name, group["status"], state, wrong=bool(issues))
    if line.good and ready is not None and ready < wanted:
        return Line(_PART, name, state, unsettled=True)
    return line
