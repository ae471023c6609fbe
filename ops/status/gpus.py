"""Which jobs hold GPUs, and which wait for some: first come, first served."""

from __future__ import annotations

from ops.aws import Deployment
from ops.cluster.api import ClusterError
from ops.cluster.inside import Claim, inside
from ops.status.lines import Line, silent

_PART = "GPUs"


def gpus(deployment: Deployment) -> list[Line]:
    """Return a line for each job or pod that claims GPUs, in any namespace."""
    try:
        claims = inside(deployment).claims
    except ClusterError:  # shown in the workload's lines
        return []
    if claims is None:
        return [silent(_PART, "you may not list pods in all namespaces")]
    return [Line(_PART, f"{each.namespace}/{each.name}", _state(each)) for each in claims]


def _state(claim: Claim) -> str:
    parts = [f"holds {claim.held}"] if claim.held else []
    return ", ".join([*parts, *([f"waits for {claim.waited_for}"] if claim.waited_for else [])])
