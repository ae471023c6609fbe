"""Alarms on expressions, which the emulator's CloudFormation does not support.

The local AWS stores them as alarms on the expression's first metric, because it evaluates nothing;
it checks what CloudWatch requires of the expression's parts.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rehearsal.local_aws import private
from rehearsal.local_aws.types.provisioner import Made, Properties

_ALARM = "AWS::CloudWatch::Alarm"
_ID = re.compile(r"[a-z][A-Za-z0-9_]{0,254}")
# With periods of less than an hour, alarms look back at most one day.
_LONGEST = 86_400


def register() -> None:
    """Wrap the emulator's handlers of alarms."""
    private.wrap_type(_ALARM, "create", _make)
    private.wrap_type(_ALARM, "update", _change)


def on_one_metric(properties: Properties) -> Properties:
    """Return an alarm's properties without the expression; ValueError if it is refused."""
    metrics = properties.get("Metrics")
    if not metrics:
        return properties
    ids = [each["Id"] for each in metrics]
    if len(set(ids)) < len(ids) or not all(map(_ID.fullmatch, ids)):
        raise ValueError(
            f"Invalid metrics list: ids must be unique and begin with a lowercase letter: {ids}"
        )
    if sum(each.get("ReturnData", True) for each in metrics) != 1:
        raise ValueError("Invalid metrics list: exactly one must return data")
    parts = [each["MetricStat"] for each in metrics if "MetricStat" in each]
    if not parts:
        raise ValueError("Invalid metrics list: an expression needs a metric")
    longest = max(int(each["Period"]) for each in parts) * int(properties["EvaluationPeriods"])
    if longest > _LONGEST:
        raise ValueError(f"Metrics cannot be checked across more than a day: {longest} seconds")
    others = {key: value for key, value in properties.items() if key != "Metrics"}
    first = parts[0]
    return {**others, **first["Metric"], "Statistic": first["Stat"], "Period": first["Period"]}


def _make(create: Callable[..., Made], logical_id: str, properties: Properties, stack: str) -> Made:
    return create(logical_id, on_one_metric(properties), stack)


def _change(
    update: Callable[..., Made], physical_id: str, old: Properties, new: Properties, *where: str
) -> Made:
    return update(physical_id, on_one_metric(old), on_one_metric(new), *where)
