"""The jobs' states as CloudWatch metrics, on which the deployment's alarms stand.

Each look gives every metric a value, 0 too: an alarm goes back to OK when a failed job is started
again, and so tells of its next failure. Where the watch itself is away, the alarms stay as they
are; a metric of its own, `Watching`, is missed then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config

from job_states import States

# Seconds: a look must not be late for the next one.
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
    """The metrics of one namespace; `endpoint` is another than AWS' own, in tests."""

    def __init__(self, namespace: str, region: str, endpoint: str | None = None) -> None:
        self._namespace = namespace
        self._client: Any = boto3.client(
            "cloudwatch", region_name=region, endpoint_url=endpoint, config=_CONFIG
        )

    def publish(self, metrics: Mapping[str, float], now: datetime) -> None:
        """Hand over all `metrics` at once; raises botocore's errors.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
        """
        self._client.put_metric_data(
            Namespace=self._namespace,
            MetricData=[
                {"MetricName": name, "Timestamp": now, "Value": value}
                for name, value in metrics.items()
            ],
        )
