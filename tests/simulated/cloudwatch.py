"""CloudWatch alarms as AWS documents them: periods, missing data, states, actions on changes.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from statistics import mean
from typing import Any

OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"
_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Minimum": min,
    "Maximum": max,
    "Sum": sum,
    "SampleCount": len,
    "Average": mean,
}
_BREACHING: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}
_ACTIONS = {ALARM: "AlarmActions", UNKNOWN: "InsufficientDataActions", OK: "OKActions"}

# The only form of expression that is supported.
_IF = re.compile(r"IF\((\w+) OR (\w+), (\w+), ([0-9.]+)\)")

Key = tuple[str, str, frozenset[tuple[str, str]]]


class CloudWatch:
    """Metrics, the templates' alarms, and the messages that these send.

    Time is in whole minutes from 0. `mails` are pairs of minute and alarm name.
    """

    def __init__(self) -> None:
        self.minute = 0
        self.mails: list[tuple[int, str]] = []
        self.states: dict[str, str] = {}
        self._alarms: dict[str, Mapping[str, Any]] = {}
        # Their periods, in minutes.
        self._lengths: dict[str, int] = {}
        # Their metrics, by their names in the expression.
        self._keys: dict[str, dict[str, Key]] = {}
        self._points: dict[Key, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add_alarms(self, properties: Iterable[Mapping[str, Any]]) -> None:
        """Create alarms from properties of `AWS::CloudWatch::Alarm`, without a state yet."""
        for alarm in properties:
            self._alarms[alarm["AlarmName"]] = alarm
            self._lengths[alarm["AlarmName"]] = _minutes(alarm)
            self._keys[alarm["AlarmName"]] = {
                each.get("Id", ""): _key(each["MetricStat"]["Metric"] if "Id" in each else each)
                for each in alarm.get("Metrics", [alarm])
                if "Expression" not in each
            }
            self.states[alarm["AlarmName"]] = UNKNOWN

    def publish(self, namespace: str, metrics: Mapping[str, float], **dimensions: str) -> None:
        """Record values for the current minute."""
        for name, value in metrics.items():
            key = namespace, name, frozenset(dimensions.items())
            self._points[key][self.minute].append(value)

    def tick(self) -> None:
        """End the minute and evaluate every alarm whose period ends with it."""
        for name, alarm in self._alarms.items():
            if (self.minute + 1) % self._lengths[name]:
                continue
            state = self._evaluated(alarm, self.states[name])
            if state != self.states[name]:
                self.states[name] = state
                if alarm.get(_ACTIONS[state]):
                    self.mails.append((self.minute, name))
        self.minute += 1

    def _length(self, alarm: Mapping[str, Any]) -> int:
        return self._lengths[alarm["AlarmName"]]

    def _value(self, alarm: Mapping[str, Any], end: int) -> float | None:
        """Return an alarm's value in the period that ends with a minute; None without data."""
        length, keys = self._length(alarm), self._keys[alarm["AlarmName"]]
        if "Metrics" not in alarm:
            return self._statistic(keys[""], alarm["Statistic"], end, length)
        values = {
            each["Id"]: self._statistic(keys[each["Id"]], each["MetricStat"]["Stat"], end, length)
            for each in alarm["Metrics"]
            if "MetricStat" in each
        }
        (expression,) = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
        asked = _IF.fullmatch(expression)
        assert asked, f"the model does not know {expression}"
        one, other, then, otherwise = asked.groups()
        # If one part has no data, the result has none.
        if None in values.values():
            return None
        return values[then] if values[one] or values[other] else float(otherwise)

    def _statistic(self, key: Key, statistic: str, end: int, minutes: int) -> float | None:
        points = self._points[key]
        if minutes == 1:
            found = points.get(end, [])
        else:
            span = range(end - minutes + 1, end + 1)
            found = [each for minute in span for each in points.get(minute, [])]
        return _STATISTICS[statistic](found) if found else None

    def _evaluated(self, alarm: Mapping[str, Any], before: str) -> str:
        periods = alarm["EvaluationPeriods"]
        needed = alarm.get("DatapointsToAlarm", periods)
        breaches, length = _BREACHING[alarm["ComparisonOperator"]], self._length(alarm)
        ends = range(self.minute - (periods - 1) * length, self.minute + 1, length)
        found = [
            None if value is None else breaches(value, alarm["Threshold"])
            for value in (self._value(alarm, end) for end in ends)
        ]
        missing = alarm.get("TreatMissingData", "missing")
        if missing in ("breaching", "notBreaching"):
            found = [missing == "breaching" if each is None else each for each in found]
        known = [each for each in found if each is not None]
        if not known:
            return before if missing == "ignore" else UNKNOWN
        if sum(known) >= needed:
            return ALARM
        if missing == "ignore" and len(known) < len(found):
            return before
        return OK


def _key(metric: Mapping[str, Any]) -> Key:
    dimensions = frozenset((each["Name"], each["Value"]) for each in metric.get("Dimensions", []))
    return metric["Namespace"], metric["MetricName"], dimensions


def _minutes(alarm: Mapping[str, Any]) -> int:
    """Return the length of an alarm's period."""
    parts = [each["MetricStat"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    (seconds,) = {each["Period"] for each in parts or [alarm]}
    return int(seconds) // 60
