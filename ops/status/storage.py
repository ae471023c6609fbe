"""The file system, its links to S3, and the tasks that move data between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.functions.await_export import newest, oldest_queued
from ops import aws
from ops.aws import Deployment, is_own
from ops.status.lines import Line, judged, missing

_GIB = 2**30
# CloudWatch has one value per minute, with a short delay.
_RECENT = timedelta(minutes=15)
# States of a task:
# https://docs.aws.amazon.com/fsx/latest/APIReference/API_DataRepositoryTask.html
_UNDER_WAY = {"PENDING", "EXECUTING", "CANCELING"}
_ENDED = {"SUCCEEDED": True, "FAILED": False, "CANCELED": False}


def own_file_systems(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the deployment's file systems: those with its tag."""
    return [each for each in aws.file_systems(deployment) if is_own(deployment, each.get("Tags"))]


def file_systems(deployment: Deployment) -> list[Line]:
    """Return a line for each file system: state, size, free space."""
    lines = []
    for each in own_file_systems(deployment):
        size = f"{each['StorageCapacity']:,} GiB" if "StorageCapacity" in each else "size unknown"
        state = f"{each['Lifecycle']}, {size}{_free(deployment, each)}"
        lines.append(judged("Storage", each["FileSystemId"], each["Lifecycle"], state))
    return lines or [missing(deployment, "Storage", "file system")]


def _free(deployment: Deployment, system: dict[str, Any]) -> str:
    """Return the free space, summed over the servers."""
    cloudwatch, since = deployment.aws.client("cloudwatch"), datetime.now(UTC) - _RECENT
    where = {"FileSystemId": system["FileSystemId"]}
    try:
        free = newest(cloudwatch, "FreeDataStorageCapacity", "Sum", since, **where)
    except (ClientError, BotoCoreError):
        return ""
    return "" if free is None else f", {free / _GIB:,.0f} GiB free"


def links(deployment: Deployment) -> list[Line]:
    """Return a line for each data repository association, and one on the pending export."""
    lines = []
    for system in own_file_systems(deployment):
        filters = [{"Name": "file-system-id", "Values": [system["FileSystemId"]]}]
        associations = deployment.aws.pages(
            "fsx", "describe_data_repository_associations", "Associations", Filters=filters
        )
        lines += [
            judged(
                "S3 links",
                each["FileSystemPath"],
                each["Lifecycle"],
                f"{each['Lifecycle']}, {each['DataRepositoryPath']}",
            )
            for each in associations
        ]
        lines += _export_queue(deployment, system["FileSystemId"])
    return lines


def exporting(deployment: Deployment) -> bool:
    """Whether changes are known to be waiting for export."""
    systems = own_file_systems(deployment)
    return any(_queued(deployment, each["FileSystemId"]) for each in systems)


def _queued(deployment: Deployment, file_system: str) -> float | None:
    """Return how many seconds the oldest change has been waiting; None if unknown."""
    cloudwatch = deployment.aws.client("cloudwatch")
    try:
        return oldest_queued(cloudwatch, file_system, datetime.now(UTC) - _RECENT)
    except (ClientError, BotoCoreError):
        return None


def _export_queue(deployment: Deployment, file_system: str) -> list[Line]:
    seconds = _queued(deployment, file_system)
    if seconds is None:
        return []
    state = f"the oldest change has waited {seconds:,.0f} s" if seconds else "nothing pending"
    return [Line("S3 links", "export", state)]


def tasks(deployment: Deployment) -> list[Line]:
    """Return a line for each of the five newest data repository tasks."""
    ids = [each["FileSystemId"] for each in own_file_systems(deployment)]
    if not ids:
        return []
    listed = deployment.aws.pages(
        "fsx",
        "describe_data_repository_tasks",
        "DataRepositoryTasks",
        Filters=[{"Name": "file-system-id", "Values": ids}],
    )
    newest_first = sorted(listed, key=lambda each: each["CreationTime"], reverse=True)
    return [_task(each, is_newest=each is newest_first[0]) for each in newest_first[:5]]


def _task(task: dict[str, Any], *, is_newest: bool) -> Line:
    """One task. Of the finished ones only the newest is judged: it supersedes the others."""
    how = task["Lifecycle"]
    good = _ENDED.get(how) if is_newest else None
    state = f"{task['Type']}: {how}"
    return Line("Data tasks", task["TaskId"], state, good, unsettled=how in _UNDER_WAY)
