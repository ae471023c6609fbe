"""The jobs' states as CloudWatch metrics, on which the deployment's alarms are based.

Each look gives every metric a value, even 0: so an alarm returns to OK when a failed job is
restarted, and reports its next failure. While the watch itself is down, the alarms keep their
state; the metric `Watching` is then missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config

from job_states import States

# Seconds: a request must end before the next one is due.
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})


def values(found: States) -> dict[str, float]:
    """Return the metrics by name: 1 or 0, counts, and minutes."""
    training = {
        f"Training{state.title()}": found.training == state
        for state in ("created", "suspended", "running", "succeeded", "failed")
    }
    data = {
        f"Data{state.title()}": found.data == state for state in ("active", "succeeded", "failed")
    }
    return {
        "Watching": 1.0,
        **{name: float(holds) for name, holds in (training | data).items()},
        "LauncherFailed": float(found.launcher == "failed"),
        "WorkersPendingMinutes": found.workers_pending,
        "CannotStartMinutes": found.cannot_start,
        "JobsOutOfMemory": float(found.jobs_out_of_memory),
        "InitContainersWithoutImage": float(found.no_image),
        "TrainingStalled": float(found.stalled),
        "TrainingOutOfTime": float(found.stopped == "deadline"),
    }


class Metrics:
    """The metrics of one namespace; `endpoint` replaces AWS's own in tests."""

    def __init__(self, namespace: str, region: str, endpoint: str | None = None) -> None:
        self._namespace = namespace
        self._client: Any = boto3.client(
            "cloudwatch", region_name=region, endpoint_url=endpoint, config=_CONFIG
        )

    def publish(self, metrics: Mapping[str, float], now: datetime) -> None:
        """Send all `metrics` in one call; raises botocore's errors.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
        """
        self._client.put_metric_data(
            Namespace=self._namespace,
            MetricData=[
                {"MetricName": name, "Timestamp": now, "Value": value}
                for name, value in metrics.items()
            ],
        )
