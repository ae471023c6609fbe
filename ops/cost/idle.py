"""How much of the GPU nodes' time has been idle, as CloudWatch has seen it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.aws import Deployment

# Per cent of use, averaged over the GPUs, below which an hour does not count as work.
IDLE_BELOW = 5.0
# The most points that one answer holds:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
_MOST_POINTS = 1440


@dataclass(frozen=True)
class Idle:
    """Hours in which GPU nodes ran, and those of them in which the GPUs did next to nothing."""

    hours: float
    idle_hours: float


def measured(deployment: Deployment, days: int) -> Idle | None:
    """Return what Container Insights has seen over the last `days`; None if it has seen nothing.

    `node_gpu_utilization` has a point only while a GPU node runs. Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-enhanced-EKS.html
    Raises ClientError or BotoCoreError when CloudWatch does not answer.
    """
    hours = -(-days * 24 // _MOST_POINTS)  # rounded up
    now = datetime.now(UTC)
    points: list[dict[str, Any]] = deployment.aws.client("cloudwatch").get_metric_statistics(
        Namespace="ContainerInsights",
        MetricName="node_gpu_utilization",
        Dimensions=[{"Name": "ClusterName", "Value": deployment.settings.cluster_name}],
        StartTime=now - timedelta(days=days),
        EndTime=now,
        Period=hours * 3600,
        Statistics=["Average"],
    )["Datapoints"]
    if not points:
        return None
    idle = sum(each["Average"] < IDLE_BELOW for each in points)
    return Idle(float(len(points) * hours), float(idle * hours))
