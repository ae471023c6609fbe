"""Log groups that AWS has made for the cluster, or whose removal failed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ops.aws import Deployment
from ops.leftovers.model import Leftover, stack_that_named

_FUNCTION = "/aws/lambda/"
# Whose groups they are that AWS names after the cluster.
_STACKS = {"eks": "Cluster", "containerinsights": "Addons", "fsx": "Storage"}


def log_groups(deployment: Deployment) -> Iterable[Leftover]:
    """Groups named after the cluster, in whole path segments, or by one of its stacks."""
    logs, name = deployment.aws.client("logs"), deployment.settings.cluster_name
    for prefix in [*_roots(name), f"{_FUNCTION}{name}-", f"{name}-"]:
        for item in deployment.aws.pages(
            "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix
        ):
            group = item["logGroupName"]
            stack = _stack(deployment, group)
            if stack:
                remove = partial(logs.delete_log_group, logGroupName=group)
                note = f"{item.get('storedBytes', 0) / 1e6:,.1f} MB"
                yield Leftover("log groups", group, note, delete=remove, stack=stack)


def _roots(cluster: str) -> dict[str, str]:
    """What the names begin with that AWS makes of a cluster's, and whose groups these are."""
    return {f"/aws/{kind}/{cluster}": stack for kind, stack in _STACKS.items()}


def _stack(deployment: Deployment, group: str) -> str:
    """The stack that a group belongs to; empty for another project's group."""
    for root, stack in _roots(deployment.settings.cluster_name).items():
        if group == root or group.startswith(f"{root}/"):
            return stack
    # Lambda tags no group that it makes; the name tells whose function it was.
    return stack_that_named(deployment, group.removeprefix(_FUNCTION))
