"""The guard of a file system's export, with the very function that runs in AWS Lambda.

Its queue is what `aws cloudwatch put-metric-data` told last; without that, nothing waits.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch

from bionemo_eks.functions.await_export import StillQueuedError, await_export
from rehearsal.local_aws.types.handlers import Made, Properties, replaced_when_changed


class _CloudWatch:
    """As much of a client as the function uses; the newest value counts, however old."""

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        dimensions = {each["Name"]: each["Value"] for each in asked["Dimensions"]}
        key = (asked["Namespace"], asked["MetricName"], cloudwatch._dims_key(dimensions))
        points = cloudwatch._metrics.get(key) or [{"Value": 0.0}]
        return {"Datapoints": [{"Timestamp": datetime.now(UTC), "Maximum": points[-1]["Value"]}]}


def _guard(logical_id: str, properties: Properties, stack: str) -> Made:
    return properties["FileSystemId"], {}


def _release(physical_id: str, properties: Properties) -> None:
    try:
        # A rehearsal waits for nobody: what waits now is the answer.
        await_export(_CloudWatch(), physical_id, seconds_left=lambda: 0)
    except StillQueuedError as error:
        raise ValueError(str(error)) from None


HANDLERS = {"Custom::LustreExportGuard": replaced_when_changed(_guard, _release)}
