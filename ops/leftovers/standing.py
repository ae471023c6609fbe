"""The deployment itself: while it exists, nothing of it is left over."""

from __future__ import annotations

from collections.abc import Iterable

from bionemo_eks.configuration import names
from ops.aws import Deployment, clusters, stacks
from ops.leftovers.model import Leftover
from ops.price_table import EKS_HOUR


def stacks_left(deployment: Deployment) -> Iterable[Leftover]:
    """Stacks of the deployment, whatever their state."""
    there = stacks(deployment)
    for stack in names.STACKS:
        name = names.stack_name(deployment.settings, stack)
        if name in there:
            status = there[name]["StackStatus"]
            note = f"{status}; npx cdk destroy --all"
            yield Leftover("stacks", name, note, state=status, stack=stack)


def clusters_left(deployment: Deployment) -> Iterable[Leftover]:
    """A cluster with the deployment's name."""
    name = deployment.settings.cluster_name
    if name in clusters(deployment):
        yield Leftover("EKS clusters", name, f"${EKS_HOUR:.2f} an hour", stack="Cluster")
