"""CloudFormation is about to remove a file system: wait until its changes have reached S3.

Export runs behind the writing. AWS' advice is to wait for `AgeOfOldestQueuedMessage` to be zero:
https://docs.aws.amazon.com/fsx/latest/LustreGuide/delete-file-system.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

# CloudWatch has a value for each minute, a little later.
PERIOD = timedelta(minutes=1)
# Without a value for so long, nothing was queued.
QUIET = timedelta(minutes=5)
POLL_SECONDS = 15
# What the answer to CloudFormation may take of the function's time.
ANSWER_SECONDS = 30


class StillQueuedError(Exception):
    """The time is up, and changes still wait for their export."""


def newest(
    cloudwatch: Any, metric: str, statistic: str, since: datetime, **dimensions: str
) -> float | None:
    """Return the newest value of one of FSx' metrics since then, or None.

    https://docs.aws.amazon.com/fsx/latest/LustreGuide/fs-metrics.html
    """
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/FSx",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=since,
        EndTime=datetime.now(UTC) + PERIOD,
        Period=int(PERIOD.total_seconds()),
        Statistics=[statistic],
    )["Datapoints"]
    return max(points, key=lambda each: each["Timestamp"])[statistic] if points else None


def oldest_queued(cloudwatch: Any, file_system: str, since: datetime) -> float | None:
    """Return the newest value since then: seconds that the oldest change has waited, or None."""
    where = {"FileSystemId": file_system, "Publisher": "AutoExport"}
    return newest(cloudwatch, "AgeOfOldestQueuedMessage", "Maximum", since, **where)


def await_export(cloudwatch: Any, file_system: str, seconds_left: Callable[[], float]) -> None:
    """Return when nothing is queued; StillQueuedError when `seconds_left()` is used up before."""
    began = datetime.now(UTC)
    # The first whole minute after the last write: workers have gone before the file system does.
    since = began.replace(second=0, microsecond=0) + PERIOD
    while True:
        queued = oldest_queued(cloudwatch, file_system, since)
        if queued == 0 or (queued is None and datetime.now(UTC) > began + QUIET):
            return
        if seconds_left() < POLL_SECONDS + ANSWER_SECONDS:
            raise StillQueuedError(
                f"Changes in {file_system} still wait for their export to S3, the oldest for "
                f"{queued or 0:.0f} s. Nothing is lost: run cdk destroy again"
            )
        print(f"{file_system}: oldest change waits {queued} s")
        time.sleep(POLL_SECONDS)


def _without_waiting(event: dict[str, Any]) -> str:
    return (
        "To give up what waits: aws cloudformation delete-stack "
        f"--stack-name {event['StackId']} --retain-resources {event['LogicalResourceId']}"
    )


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation; only a removal has something to wait for."""
    # Lambda has it for functions whose code stands in the template:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/cfn-lambda-function-code-cfnresponsemodule.html
    import cfnresponse

    file_system = event["ResourceProperties"]["FileSystemId"]
    status, reason = cfnresponse.SUCCESS, None
    try:
        if event["RequestType"] == "Delete":
            await_export(
                boto3.client("cloudwatch"),
                file_system,
                lambda: context.get_remaining_time_in_millis() / 1000,
            )
    except Exception as error:
        status, reason = cfnresponse.FAILED, f"{error}. {_without_waiting(event)}"
    cfnresponse.send(event, context, status, {}, file_system, reason=reason)
