"""Alarms on the jobs' states; how they react over time is tested in tests/workloads/watch."""

from __future__ import annotations

import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from bionemo_eks.observability.job_alarms import JobAlarms, messages
from tests.constructs.bare import bare_stack
from tests.context import read_settings

ALARM = "AWS::CloudWatch::Alarm"


@pytest.fixture(scope="module")
def template() -> Template:
    stack = bare_stack()
    settings = read_settings({"cluster_name": "some", "notifications.pending_minutes": "45"})
    JobAlarms(stack, "Jobs", settings=settings, topic=sns.Topic(stack, "Topic"))
    return Template.from_stack(stack)


def test_every_alarm_notifies_the_topic_of_one_state(template: Template) -> None:
    """On failure or on silence, not on recovery."""
    ((topic, _),) = template.find_resources("AWS::SNS::Topic").items()
    for each in template.find_resources(ALARM).values():
        alarm = each["Properties"]
        actions = {key: alarm[key] for key in alarm if key.endswith("Actions")}
        silence = alarm["AlarmName"] == "some-watch-silent"
        expected = "InsufficientDataActions" if silence else "AlarmActions"
        assert actions == {expected: [{"Ref": topic}]}


def test_no_alarm_depends_on_the_text_of_a_log(template: Template) -> None:
    template.resource_count_is("AWS::Logs::MetricFilter", 0)


def test_all_are_of_this_cluster(template: Template) -> None:
    for each in template.find_resources(ALARM).values():
        alarm = each["Properties"]
        assert alarm["AlarmName"].startswith("some-")
        of_it = {"Name": "ClusterName", "Value": "some"} in alarm.get("Dimensions", [])
        assert of_it or alarm["Namespace"] == "BioNeMoOnEKS/some"


def test_the_setting_says_how_long_workers_may_wait(template: Template) -> None:
    template.has_resource_properties(
        ALARM, {"MetricName": "WorkersPendingMinutes", "Threshold": 45, "Period": 60}
    )


def test_a_failure_message_says_where_to_look_and_what_to_do() -> None:
    texts = {each.name: each.text for each in messages(read_settings({}))}
    assert "kubectl describe pytorchjob esm1nv-pretraining" in texts["training-failed"]
    for name, what in (
        ("training-failed", "training"),
        ("launcher-failed", "training"),
        ("dataset-error", "data"),
    ):
        assert "./bionemo status" in texts[name]
        assert f"./bionemo retry {what}" in texts[name]


@pytest.mark.parametrize(
    ("scaling", "end"),
    [
        ("on-demand", "The GPU nodes are scaling down."),
        ("fixed", "the GPU nodes keep running, and cost money, until make destroy."),
    ],
)
def test_the_last_message_says_what_happens_to_the_gpu_nodes(scaling: str, end: str) -> None:
    texts = {each.name: each.text for each in messages(read_settings({"gpu.scaling": scaling}))}
    assert texts["training-succeeded"].endswith(end)
