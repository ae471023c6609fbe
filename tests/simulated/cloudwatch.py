"""CloudWatch's alarms as AWS documents them: periods, missing data, states, actions on a change.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"
_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Minimum": min,
    "Maximum": max,
    "Sum": sum,
    "SampleCount": len,
}
_BREACHING: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}
_ACTIONS = {ALARM: "AlarmActions", UNKNOWN: "InsufficientDataActions", OK: "OKActions"}

Key = tuple[str, str, frozenset[tuple[str, str]]]


class CloudWatch:
    """Metrics, the alarms of templates, and the mails that these send.

    Time is in whole minutes from 0. `mails` are pairs of minute and the alarm's name.
    """

    def __init__(self) -> None:
        self.minute = 0
        self.mails: list[tuple[int, str]] = []
        self.states: dict[str, str] = {}
        self._alarms: dict[str, Mapping[str, Any]] = {}
        self._points: dict[Key, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add_alarms(self, properties: Iterable[Mapping[str, Any]]) -> None:
        """Make alarms of the properties of `AWS::CloudWatch::Alarm`, without a state yet."""
        for alarm in properties:
            assert alarm["Period"] == 60, "the model knows periods of a minute"
            self._alarms[alarm["AlarmName"]] = alarm
            self.states[alarm["AlarmName"]] = UNKNOWN

    def publish(self, namespace: str, metrics: Mapping[str, float], **dimensions: str) -> None:
        """Take values for the current minute."""
        for name, value in metrics.items():
            key = namespace, name, frozenset(dimensions.items())
            self._points[key][self.minute].append(value)

    def tick(self) -> None:
        """End the minute and evaluate every alarm."""
        for name, alarm in self._alarms.items():
            state = self._evaluated(alarm, self.states[name])
            if state != self.states[name]:
                self.states[name] = state
                if alarm.get(_ACTIONS[state]):
                    self.mails.append((self.minute, name))
        self.minute += 1

    def _evaluated(self, alarm: Mapping[str, Any], before: str) -> str:
        periods = alarm["EvaluationPeriods"]
        needed = alarm.get("DatapointsToAlarm", periods)
        points = self._points[_key(alarm)]
        statistic, breaches = (
            _STATISTICS[alarm["Statistic"]],
            _BREACHING[alarm["ComparisonOperator"]],
        )
        found = [
            breaches(statistic(points[minute]), alarm["Threshold"]) if minute in points else None
            for minute in range(self.minute - periods + 1, self.minute + 1)
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


def _key(alarm: Mapping[str, Any]) -> Key:
    dimensions = frozenset((each["Name"], each["Value"]) for each in alarm.get("Dimensions", []))
    return alarm["Namespace"], alarm["MetricName"], dimensions
