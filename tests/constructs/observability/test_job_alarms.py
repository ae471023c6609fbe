"""Alarms on what the jobs print."""

from __future__ import annotations

import json
import re

import pytest
from aws_cdk import Stack
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from bionemo_eks.jobs.dataset_job import DATA_JOB
from bionemo_eks.observability.job_alarms import JobAlarms, messages
from tests.constructs.bare import CLUSTER

ALARM, FILTER = "AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter"
LOGS = "/aws/containerinsights/some/application"


@pytest.fixture(scope="module")
def template() -> Template:
    stack = Stack()
    JobAlarms(
        stack,
        "Jobs",
        cluster_name=CLUSTER,
        training="some-training",
        log_group_name=LOGS,
        topic=sns.Topic(stack, "Topic"),
    )
    return Template.from_stack(stack)


def told(template: Template, container: str, text: str) -> list[str]:
    """Return the alarms that a line of a container sets off, as Container Insights logs it."""
    line = json.dumps({"log": text, "kubernetes": {"container_name": container}})
    counted = set()
    for each in template.find_resources(FILTER).values():
        # All terms, each in quotes:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
        terms = re.findall(r'"([^"]+)"', each["Properties"]["FilterPattern"])
        (metric,) = each["Properties"]["MetricTransformations"]
        assert terms
        if all(term in line for term in terms):
            counted.add((metric["MetricNamespace"], metric["MetricName"]))
    alarms = [each["Properties"] for each in template.find_resources(ALARM).values()]
    return [
        each["AlarmName"] for each in alarms if (each["Namespace"], each["MetricName"]) in counted
    ]


@pytest.mark.parametrize("end", ["training-succeeded", "training-failed"])
def test_the_trainings_end_is_told(template: Template, end: str) -> None:
    line = "pytorchjob.kubeflow.org/some-training condition met"
    assert told(template, end, line) == [f"{CLUSTER}-{end}"]


@pytest.mark.parametrize(
    ("container", "text"),
    [
        ("training-succeeded", "error: timed out waiting for the condition"),
        ("wait-for-launcher", "job.batch/some-launcher condition met"),
        (DATA_JOB, "download 41 %, 98 MB/s, 1 min left"),
        ("pytorch", "error: no space left on the file system"),
    ],
)
def test_other_lines_set_off_nothing(template: Template, container: str, text: str) -> None:
    assert told(template, container, text) == []


def test_trouble_with_the_data_set_is_told(template: Template) -> None:
    text = "error: no space left on the file system"
    assert told(template, DATA_JOB, text) == [f"{CLUSTER}-dataset-error"]


def test_all_read_the_pods_log(template: Template) -> None:
    template.all_resources_properties(FILTER, {"LogGroupName": LOGS})


def test_one_line_is_enough_and_none_is_no_alarm(template: Template) -> None:
    template.all_resources_properties(
        ALARM,
        {
            "Statistic": "Sum",
            "Threshold": 1,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        },
    )


def test_every_alarm_reaches_the_topic(template: Template) -> None:
    ((topic, _),) = template.find_resources("AWS::SNS::Topic").items()
    template.resource_count_is(ALARM, len(messages("some-training")))
    template.all_resources_properties(ALARM, {"AlarmActions": [{"Ref": topic}]})


def test_who_hears_of_a_failure_is_told_where_to_look() -> None:
    texts = {each.name: each.text for each in messages("some-training")}
    assert "kubectl describe pytorchjob some-training" in texts["training-failed"]
    assert "./bionemo status" in texts["dataset-error"]
