"""What is sent to CloudWatch, validated by botocore."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import Stubber

from cloudwatch_metrics import Metrics, values
from job_states import states
from tests.workloads.watch.course import Course


def test_all_metrics_of_a_look_are_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    course = Course()
    metrics = Metrics("BioNeMoOnEKS/some", "us-west-2")
    published = values(states(course.look()))
    expected: dict[str, Any] = {
        "Namespace": "BioNeMoOnEKS/some",
        "MetricData": [
            {"MetricName": name, "Timestamp": course.now, "Value": value}
            for name, value in published.items()
        ],
    }
    with Stubber(metrics._client) as stub:
        stub.add_response("put_metric_data", {}, expected)
        metrics.publish(published, course.now)
        stub.assert_no_pending_responses()
