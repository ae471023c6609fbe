"""CloudFormation is about to remove a file system: wait until its changes have reached S3.

Export runs behind the writing. AWS' advice is to wait for `AgeOfOldestQueuedMessage` to be zero:
https://docs.aws.amazon.com/fsx/latest/LustreGuide/delete-file-system.html
Then what the data set's manifest lists is held against the bucket. A function does not see the file
system, so of checkpoints, which nothing lists, the queue is all that tells.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
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


MANIFEST = "_SUCCESS"


class StillQueuedError(Exception):
    """The time is up, and changes still wait for their export."""


class NotExportedError(Exception):
    """Files of the data set are not in the bucket, or not as the manifest has them."""


@dataclass(frozen=True)
class DataSet:
    """Files that a manifest lists: how many, and the keys of those that the bucket lacks."""

    files: int
    missing: list[str]


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


def _listed(text: bytes) -> dict[str, int | None]:
    """Return paths and bytes of the files that a manifest lists; None where it does not say.

    The container's own preparation writes its parameters alone: names follow from these.
    """
    try:
        manifest = json.loads(text)
        if "files" in manifest:
            return {each["path"]: each["bytes"] for each in manifest["files"]}
        count = range(manifest["num_csv_files"])
        splits = ("train", "val", "test")
        return {f"{split}/x{n:03d}.csv": None for split in splits for n in count}
    except (ValueError, KeyError, TypeError):  # nothing of ours
        return {}


def data_set(s3: Any, bucket: str, folder: str) -> DataSet | None:
    """Hold what the manifest in `folder` of a bucket lists against what is there.

    None without a manifest, or where it lists nothing: then there is nothing to compare.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}/")
    sizes = {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", [])}
    key = f"{folder}/{MANIFEST}"
    if key not in sizes:
        return None
    listed = _listed(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    missing = [
        name
        for path, size in listed.items()
        if (name := f"{folder}/{path}") not in sizes or size not in (None, sizes[name])
    ]
    return DataSet(len(listed), missing) if listed else None


def demand_data_set(s3: Any, bucket: str, folder: str, file_system: str) -> None:
    """Raise NotExportedError unless all that the manifest in the bucket lists is there too."""
    found = data_set(s3, bucket, folder)
    if found is None:
        print(f"s3://{bucket}/{folder} has no {MANIFEST} that lists files: nothing to compare")
    elif found.missing:
        # https://docs.aws.amazon.com/fsx/latest/LustreGuide/exporting-files-dra.html
        raise NotExportedError(
            f"{len(found.missing)} of the {found.files} files that {folder}/{MANIFEST} in {bucket} "
            f"lists are not there, or of another size, such as {found.missing[0]}. Nothing is "
            "lost: export them by aws fsx create-data-repository-task "
            f"--file-system-id {file_system} --type EXPORT_TO_REPOSITORY --paths {folder} "
            "--report Enabled=false, and when ./bionemo status says that they are in the bucket, "
            "run cdk destroy again"
        )


def _without_waiting(event: dict[str, Any]) -> str:
    return (
        "To give it up: aws cloudformation delete-stack "
        f"--stack-name {event['StackId']} --retain-resources {event['LogicalResourceId']}"
    )


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation; only a removal has something to wait for."""
    # Lambda has it for functions whose code stands in the template:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/cfn-lambda-function-code-cfnresponsemodule.html
    import cfnresponse

    properties = event["ResourceProperties"]
    file_system = properties["FileSystemId"]
    status, reason = cfnresponse.SUCCESS, None
    try:
        if event["RequestType"] == "Delete":
            await_export(
                boto3.client("cloudwatch"),
                file_system,
                lambda: context.get_remaining_time_in_millis() / 1000,
            )
            if "Bucket" in properties:  # not in those of an earlier version of this
                where = properties["Bucket"], properties["Folder"]
                demand_data_set(boto3.client("s3"), *where, file_system)
    except Exception as error:
        status, reason = cfnresponse.FAILED, f"{error}. {_without_waiting(event)}"
    cfnresponse.send(event, context, status, {}, file_system, reason=reason)
