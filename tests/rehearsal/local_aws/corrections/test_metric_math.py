"""An alarm on an expression: accepted as in the template, refused as by CloudWatch."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rehearsal.local_aws.corrections.metric_math import on_one_metric


@pytest.fixture(scope="module")
def alarm(default: Any) -> dict[str, Any]:
    """The template's alarm."""
    alarms = default.resources("Observability", "AWS::CloudWatch::Alarm").values()
    (found,) = [each["Properties"] for each in alarms if "Metrics" in each["Properties"]]
    return dict(found)


def test_the_templates_alarm_is_accepted(alarm: dict[str, Any]) -> None:
    made = on_one_metric(alarm)
    assert made["AlarmName"] == alarm["AlarmName"]
    assert "Metrics" not in made
    assert made["Namespace"]
    assert on_one_metric(made) == made


def test_what_cloudwatch_refuses_is_refused(alarm: dict[str, Any]) -> None:
    for change, reason in (
        (lambda it: it["Metrics"][1].update(Id=it["Metrics"][0]["Id"]), "must be unique"),
        (lambda it: it["Metrics"][0].update(Id="Big"), "lowercase letter"),
        (lambda it: [each.update(ReturnData=True) for each in it["Metrics"]], "exactly one"),
        (lambda it: it.update(EvaluationPeriods=300), "more than a day"),
    ):
        changed = copy.deepcopy(alarm)
        change(changed)
        with pytest.raises(ValueError, match=reason):
            on_one_metric(changed)
