"""What has been spent according to Cost Explorer, and how long GPU nodes were idle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from ops.aws import Deployment
from ops.cost.idle import Idle, measured
from ops.reasons import failure_reason

T = TypeVar("T")


@dataclass(frozen=True)
class Spending:
    """US dollars by service, and idle GPU nodes, over `days`; and why either is unknown.

    An unknown field is None, with the reason under its name in `could_not_tell`; `gpu_nodes` is
    also None if there was none.
    """

    days: int
    could_not_tell: dict[str, str]
    services: dict[str, float] | None
    gpu_nodes: Idle | None


def spending(deployment: Deployment, days: int) -> Spending:
    """Ask Cost Explorer and CloudWatch; if one fails, the other's answer is still returned."""
    silent: dict[str, str] = {}

    def asked(name: str, ask: Callable[[Deployment, int], T]) -> T | None:
        try:
            return ask(deployment, days)
        except Exception as error:
            silent[name] = failure_reason(error)
            return None

    services, gpu_nodes = asked("services", by_service), asked("gpu_nodes", measured)
    return Spending(days, silent, services, gpu_nodes)


def by_service(deployment: Deployment, days: int) -> dict[str, float]:
    """Return US dollars by service over the last `days`, for resources with the deployment's tag.

    The tag must be active as a cost allocation tag:
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
    Raises ClientError or BotoCoreError if Cost Explorer does not answer.
    """
    end = datetime.now(UTC).date() + timedelta(days=1)
    periods = _periods(
        deployment.aws.client("ce", "us-east-1"),
        TimePeriod={"Start": str(end - timedelta(days=days)), "End": str(end)},
        Granularity="MONTHLY",
        Metrics=["UnblendedCost"],
        GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
        Filter={"Tags": {"Key": DEPLOYMENT_TAG, "Values": [deployment.settings.cluster_name]}},
    )
    spent: dict[str, float] = {}
    for period in periods:
        for group in period["Groups"]:
            amount = float(group["Metrics"]["UnblendedCost"]["Amount"])
            spent[group["Keys"][0]] = spent.get(group["Keys"][0], 0.0) + amount
    return spent


def _periods(explorer: Any, **question: Any) -> Iterator[dict[str, Any]]:
    """All pages of Cost Explorer's answer: boto3 has no paginator for it.

    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
    """
    more: dict[str, str] = {}
    while True:
        answer = explorer.get_cost_and_usage(**question, **more)
        yield from answer["ResultsByTime"]
        if not answer.get("NextPageToken"):
            return
        more = {"NextPageToken": answer["NextPageToken"]}
