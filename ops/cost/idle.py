"""How long the GPU nodes ran, and how long they were idle, according to CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.aws import Deployment

# Percent of utilization, averaged over the GPUs, below which an hour counts as idle.
IDLE_BELOW = 5.0
# The limit of data points in one answer:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
_MOST_POINTS = 1440


@dataclass(frozen=True)
class Idle:
    """Hours in which GPU nodes ran, and those in which the GPUs were idle."""

    hours: float
    idle_hours: float


def measured(deployment: Deployment, days: int) -> Idle | None:
    """Return what Container Insights recorded over the last `days`; None if nothing.

    `node_gpu_utilization` has data points only while a GPU node runs. Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-enhanced-EKS.html
    Raises ClientError or BotoCoreError if CloudWatch does not answer.
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
