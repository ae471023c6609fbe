"""Log groups that AWS created for the cluster, or whose deletion failed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ops.aws import Deployment
from ops.leftovers.model import Leftover, stack_that_named

_FUNCTION = "/aws/lambda/"
# The stacks to which the groups belong that AWS names after the cluster.
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
    """Prefixes of the group names that AWS derives from a cluster's, each with its stack."""
    return {f"/aws/{kind}/{cluster}": stack for kind, stack in _STACKS.items()}


def _stack(deployment: Deployment, group: str) -> str:
    """The stack that a group belongs to; empty for another project's group."""
    for root, stack in _roots(deployment.settings.cluster_name).items():
        if group == root or group.startswith(f"{root}/"):
            return stack
    # Lambda does not tag the groups that it creates; the name shows whose function it was.
    return stack_that_named(deployment, group.removeprefix(_FUNCTION))
