"""The deployment itself: while it stands, nothing of it is left over."""

from __future__ import annotations

from collections.abc import Iterable

from ops.aws import Deployment, clusters, stacks
from ops.leftovers.model import Leftover
from ops.price_table import EKS_HOUR


def stacks_left(deployment: Deployment) -> Iterable[Leftover]:
    """Stacks of the deployment, whatever their state."""
    for name, stack in stacks(deployment).items():
        status = stack["StackStatus"]
        yield Leftover("stacks", name, f"{status}; npx cdk destroy --all", state=status)


def clusters_left(deployment: Deployment) -> Iterable[Leftover]:
    """A cluster of the deployment's name."""
    name = deployment.settings.cluster_name
    if name in clusters(deployment):
        yield Leftover("EKS clusters", name, f"${EKS_HOUR:.2f} an hour")
