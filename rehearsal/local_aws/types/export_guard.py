"""`Custom::LustreExportGuard`, which stops a removal while files wait for their export to S3.

It runs the same function as AWS Lambda. The age of the oldest queued change is the last value of
`aws cloudwatch put-metric-data`, or 0.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bionemo_eks.functions.await_export import (
    NotExportedError,
    StillQueuedError,
    await_export,
    demand_data_set,
)
from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types.provisioner import Made, Properties, ResourceType, Wanted

_WINDOW = timedelta(days=1)


class _CloudWatch:
    """The part of a client that the function uses; the newest value counts, however old."""

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        whole_day = {**asked, "StartTime": now - _WINDOW, "Period": 1}
        points = client("cloudwatch").get_metric_statistics(**whole_day)["Datapoints"]
        newest = max(points, key=lambda each: each["Timestamp"], default={"Maximum": 0.0})
        return {"Datapoints": [{**newest, "Timestamp": now}]}


def _guard(wanted: Wanted) -> Made:
    return wanted.properties["FileSystemId"], {}


def _release(physical_id: str, properties: Properties) -> None:
    try:
        # A rehearsal does not wait for the queue.
        await_export(_CloudWatch(), physical_id, seconds_left=lambda: 0)
        demand_data_set(client("s3"), properties["Bucket"], properties["Folder"], physical_id)
    except (StillQueuedError, NotExportedError) as error:
        raise ValueError(str(error)) from None


TYPES = {"Custom::LustreExportGuard": ResourceType(_guard, _release)}
