"""What has been spent: which days, whose costs, which hours were idle."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from ops.cost import idle
from ops.cost.spending import by_service
from tests.simulated.accounts import simulated_deployment
from tests.simulated.aws import Answer, SimulatedAws, in_pages


def period(service: str, amount: str) -> dict[str, Any]:
    metrics = {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}
    return {"Groups": [{"Keys": [service], "Metrics": metrics}]}


def test_what_was_spent_is_what_carries_the_tag_summed_by_service() -> None:
    def answer(TimePeriod: dict[str, str], **asked_for: Any) -> dict[str, Any]:
        assert asked_for["Filter"] == {
            "Tags": {"Key": "bionemo-on-eks/deployment", "Values": ["bionemo-on-eks"]}
        }
        assert asked_for["GroupBy"] == [{"Type": "DIMENSION", "Key": "SERVICE"}]
        begin, end = (date.fromisoformat(TimePeriod[each]) for each in ("Start", "End"))
        assert (end - begin).days == 30
        assert end > datetime.now(UTC).date(), "the end is exclusive"
        return {"ResultsByTime": [period("Amazon EC2", "1.5"), period("Amazon EC2", "2.25")]}

    deployment = simulated_deployment({}, {"ce.get_cost_and_usage": answer})
    assert by_service(deployment, 30) == {"Amazon EC2": 3.75}
    assert isinstance(deployment.aws, SimulatedAws)
    assert deployment.aws.regions["ce"] == "us-east-1"


def test_what_was_spent_is_on_all_pages_of_cost_explorer() -> None:
    answer = in_pages(
        "ResultsByTime",
        [period("Amazon EC2", "1.5")],
        [period("Amazon FSx", "4")],
        [period("Amazon EC2", "2.25")],
        token="NextPageToken",
    )
    deployment = simulated_deployment({}, {"ce.get_cost_and_usage": answer})
    assert by_service(deployment, 90) == {"Amazon EC2": 3.75, "Amazon FSx": 4.0}


def used(*averages: float) -> Answer:
    def answer(Period: int, **asked_for: Any) -> dict[str, Any]:
        assert asked_for["Dimensions"] == [{"Name": "ClusterName", "Value": "bionemo-on-eks"}]
        assert asked_for["Namespace"] == "ContainerInsights"
        assert asked_for["MetricName"] == "node_gpu_utilization"
        assert asked_for["Statistics"] == ["Average"]
        span = asked_for["EndTime"] - asked_for["StartTime"]
        assert span.total_seconds() / Period <= 1440, "CloudWatch returns at most 1,440 points"
        return {"Datapoints": [{"Average": each} for each in averages]}

    return answer


@pytest.mark.parametrize(("days", "each"), [(30, 1), (60, 1), (365, 7)])
def test_hours_without_work_are_measured(days: int, each: int) -> None:
    answers = {"cloudwatch.get_metric_statistics": used(0.0, 4.9, 80.0, 97.0)}
    deployment = simulated_deployment({}, answers)
    assert idle.measured(deployment, days) == idle.Idle(4.0 * each, 2.0 * each)


def test_where_no_gpu_node_was_seen_nothing_is_measured() -> None:
    deployment = simulated_deployment({}, {"cloudwatch.get_metric_statistics": used()})
    assert idle.measured(deployment, 30) is None
