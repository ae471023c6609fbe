"""Log groups that AWS has made for the cluster, or whose removal failed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ops.aws import Deployment
from ops.leftovers.model import Leftover, named_by_a_stack

_FUNCTION = "/aws/lambda/"


def log_groups(deployment: Deployment) -> Iterable[Leftover]:
    """Groups named after the cluster, in whole path segments, or by one of its stacks."""
    logs, name = deployment.aws.client("logs"), deployment.settings.cluster_name
    roots = [f"/aws/{kind}/{name}" for kind in ("eks", "containerinsights", "fsx")]
    for prefix in [*roots, f"{_FUNCTION}{name}-", f"{name}-"]:
        for item in deployment.aws.pages(
            "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix
        ):
            group = item["logGroupName"]
            # Lambda tags no group that it makes; the name tells whose function it was.
            if any(group == root or group.startswith(f"{root}/") for root in roots) or (
                named_by_a_stack(deployment, group.removeprefix(_FUNCTION))
            ):
                remove = partial(logs.delete_log_group, logGroupName=group)
                note = f"{item.get('storedBytes', 0) / 1e6:,.1f} MB"
                yield Leftover("log groups", group, note, delete=remove)
