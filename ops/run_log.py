"""A run's metrics from its workers' log, for a training that writes no metrics file."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration import names
from ops.aws import Deployment
from ops.left_by_run import Metrics, UnavailableError
from ops.reasons import code_of, reason

# The newest line of each time bin: a run prints a bar every few seconds, for weeks.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
_QUERY = """filter kubernetes.pod_name like "{pods}" and log like "loss="
| stats latest(log) as line by bin({seconds}s)"""
_BIN, _FEWEST, _MOST = 600, 24, 10_000
_DAYS = 90
_PATIENCE, _LOOK = 60.0, 1.0
_ENDS = re.compile(r"[\r\n]+")


def metrics_of_log(deployment: Deployment) -> Metrics:
    """Return step, loss and rate over the run; for a long one, at most one line per ten minutes.

    Leaves out steps lost when the training restarted from an earlier checkpoint. Queries
    CloudWatch, which keeps logs for `cluster.log_days` and bills by the gigabyte scanned. Raises
    UnavailableError if it has no step, or does not answer.
    """
    now = int(time.time())
    rows = _rows(deployment, now - _DAYS * 86_400, now, _BIN)
    if rows and len(rows) < _FEWEST:  # a short run: finer bins
        first, last = rows[0][0], rows[-1][0] + _BIN
        rows = _rows(deployment, first, last, max(1, (last - first) // (_MOST // 100)))
    found = _without_lost(_positions(deployment, [line for _, line in rows]))
    if not found:
        raise UnavailableError(
            f"The log of {deployment.settings.workload.title} in {_group(deployment)} contains no "
            "step yet, or CloudWatch no longer keeps it. ./bionemo status shows the progress of "
            "the training."
        )
    return found


def _positions(deployment: Deployment, lines: list[str]) -> Iterator[dict[str, float]]:
    for text in lines:
        parts = map(deployment.settings.workload.position, reversed(_ENDS.split(text)))
        position = next((each for each in parts if each is not None), None)
        if position is None:
            continue
        values: dict[str, float | None] = {
            "step": position.step,
            "loss": position.loss,
            "validation_loss": position.validation_loss,
            "steps_per_second": 1 / position.seconds_a_step if position.seconds_a_step else None,
        }
        yield {name: value for name, value in values.items() if value is not None}


def _without_lost(lines: Iterator[dict[str, float]]) -> Metrics:
    """Return the lines, without steps that a later line repeats or precedes."""
    found: Metrics = []
    for each in lines:
        while found and found[-1]["step"] >= each["step"]:
            found.pop()
        found.append(each)
    return found


def _group(deployment: Deployment) -> str:
    return names.insights_log_group(deployment.settings, "application")


def _rows(deployment: Deployment, first: int, last: int, seconds: int) -> list[tuple[int, str]]:
    """Return (seconds since 1970, newest line) of each bin that has any, in order."""
    logs, group = deployment.aws.client("logs"), _group(deployment)
    query = _QUERY.format(pods=f"{deployment.settings.workload.job}-worker-", seconds=seconds)
    try:
        asked = logs.start_query(
            logGroupName=group, startTime=first, endTime=last, queryString=query, limit=_MOST
        )
        until = time.monotonic() + _PATIENCE
        while True:
            answer = logs.get_query_results(queryId=asked["queryId"])
            if answer["status"] not in ("Scheduled", "Running"):
                break
            if time.monotonic() > until:
                raise UnavailableError(f"{group}: no answer within {_PATIENCE:.0f} s; try again.")
            time.sleep(_LOOK)
    except (ClientError, BotoCoreError) as error:
        if code_of(error) == "ResourceNotFoundException":
            raise UnavailableError(f"There is no log group {group}: nothing has run yet.") from None
        raise UnavailableError(f"{group}: {reason(error)}") from None
    if answer["status"] != "Complete":
        raise UnavailableError(f"{group}: CloudWatch's query ended as {answer['status']}.")
    return sorted(_row(fields, f"bin({seconds}s)") for fields in answer["results"])


def _row(fields: list[dict[str, Any]], start: str) -> tuple[int, str]:
    values = {each["field"]: each["value"] for each in fields}
    # Without a zone, in UTC: 2026-11-26 10:40:00.000
    at = time.strptime(values[start].partition(".")[0], "%Y-%m-%d %H:%M:%S")
    return calendar.timegm(at), values["line"]
