"""The logs of the jobs' pods in CloudWatch, including pods that are gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.dataset_job import DATA_JOB
from bionemo_eks.jobs.places import NAMESPACE
from ops.aws import Deployment
from ops.plain import plain_lines

# A line reaches CloudWatch seconds after it was printed, and lines of several nodes arrive out
# of order: those of the last seconds are requested again.
_LATE = timedelta(seconds=60)


class What(StrEnum):
    """Whose logs."""

    DATA = "data"
    TRAINING = "training"


@dataclass(frozen=True)
class Printed:
    """A line, when it was printed, and its pod."""

    at: datetime
    pod: str
    line: str


@dataclass(frozen=True)
class Source:
    """The lines of one job, or of one of its workers; `group`: their log group."""

    group: str
    pattern: str


def source(settings: Settings, what: What, worker: int | None = None) -> Source:
    """Return where a job's lines are: of all its pods, or of one `worker` of the training.

    The CloudWatch add-on's Fluent Bit sends each line with the pod's name:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-EKS-logs.html
    """
    if what is What.DATA:
        pod = f"{DATA_JOB}-*"
    else:
        pod = f"{settings.workload.job}-worker-{'*' if worker is None else worker}"
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    pattern = (
        f'{{ ($.kubernetes.namespace_name = "{NAMESPACE}") && ($.kubernetes.pod_name = "{pod}") }}'
    )
    return Source(names.insights_log_group(settings, "application"), pattern)


class Reader:
    """Reads a source, each line once."""

    def __init__(self, deployment: Deployment, read: Source) -> None:
        self._deployment, self._source = deployment, read
        self._seen: dict[str, datetime] = {}

    def since(self, begin: datetime) -> Iterator[Printed]:
        """Yield the lines printed since `begin` that have not been yielded yet, as they come."""
        paginator = self._deployment.aws.client("logs").get_paginator("filter_log_events")
        pages = paginator.paginate(
            logGroupName=self._source.group,
            filterPattern=self._source.pattern,
            startTime=int(begin.timestamp() * 1000),
        )
        for page in pages:
            for event in sorted(page["events"], key=lambda each: int(each["timestamp"])):
                if event["eventId"] not in self._seen:
                    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    self._seen[event["eventId"]] = at
                    yield from _printed(at, event["message"])

    def newer(self, now: datetime) -> Iterator[Printed]:
        """Yield the lines that have arrived since the last call."""
        begin = max(self._seen.values(), default=now) - _LATE
        self._seen = {each: at for each, at in self._seen.items() if at >= begin}
        yield from self.since(begin)


def _printed(at: datetime, message: str) -> Iterator[Printed]:
    """Yield the lines of an event: its `log` has the container's own line."""
    record: Any
    try:
        record = json.loads(message)
    except ValueError:
        record = {}
    if not isinstance(record, dict) or "log" not in record:
        record = {"log": message}
    pod = record.get("kubernetes", {}).get("pod_name", "")
    for line in plain_lines(str(record["log"])):
        yield Printed(at, pod, line)
