"""The topic, messages about GPU nodes, alarms and the dashboard."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from bionemo_eks.observability.dashboard import Dashboard, Notifications
from tests.constructs.bare import CLUSTER, bare_stack, only

ALARM, TOPIC = "AWS::CloudWatch::Alarm", "AWS::SNS::Topic"
RULE, POLICY = "AWS::Events::Rule", "AWS::SNS::TopicPolicy"


@cache
def observability() -> Template:
    stack = bare_stack()
    notifications = Notifications(stack, "Notifications", email="")
    notifications.notify_of_gpu_nodes(node_group_prefix="some-gpu-", cluster_name=CLUSTER)
    Dashboard(
        stack,
        "Dashboard",
        cluster_name=CLUSTER,
        file_system_id="fs-some",
        capacity_gib=4800,
        topic=notifications.topic,
    )
    return Template.from_stack(stack)


def publishers() -> dict[str, Any]:
    """Return the services that may publish, with the condition for each."""
    return {
        each["Principal"]["Service"]: each.get("Condition")
        for each in only(observability(), POLICY)["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow"
    }


def test_only_alarms_of_this_account_and_events_may_publish() -> None:
    assert set(publishers()) == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert publishers()["cloudwatch.amazonaws.com"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_the_topic_refuses_plain_http_to_everyone() -> None:
    observability().has_resource_properties(
        POLICY,
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Effect": "Deny",
                                "Principal": "*",
                                "Action": "sns:Publish",
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                            }
                        )
                    ]
                )
            }
        },
    )


def test_gpu_nodes_that_start_end_or_cannot_start_are_reported() -> None:
    ((topic, _),) = observability().find_resources(TOPIC).items()
    rule = only(observability(), RULE)
    assert set(rule["EventPattern"]["detail-type"]) == {
        "EC2 Instance Launch Successful",
        "EC2 Instance Launch Unsuccessful",
        "EC2 Instance Terminate Successful",
    }
    assert rule["State"] == "ENABLED"
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Ref": topic}
    assert CLUSTER in json.dumps(target["InputTransformer"])


@pytest.mark.parametrize(
    ("group", "reported"),
    [
        ("eks-some-gpu-0a1b2c3d-1ac2", True),
        ("eks-some-core-0a1b2c3d-1ac2", False),
        ("eks-another-some-gpu-0a1b2c3d-1ac2", False),
    ],
)
def test_only_nodes_of_the_gpu_group_are_reported(group: str, reported: bool) -> None:
    pattern = only(observability(), RULE)["EventPattern"]
    ((prefix,),) = (each.values() for each in pattern["detail"]["AutoScalingGroupName"])
    assert group.startswith(prefix) is reported


def test_a_single_unhealthy_node_is_reported() -> None:
    observability().has_resource_properties(
        ALARM,
        {
            "Namespace": "ContainerInsights",
            "MetricName": "cluster_failed_node_count",
            "Dimensions": [{"Name": "ClusterName", "Value": CLUSTER}],
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        },
    )


def test_every_alarm_reaches_the_topic() -> None:
    ((topic, _),) = observability().find_resources(TOPIC).items()
    observability().resource_count_is(ALARM, 2)
    observability().all_resources_properties(ALARM, {"AlarmActions": [{"Ref": topic}]})


def test_without_the_cluster_alarms_stay_as_they_are() -> None:
    """There are no metrics before the first node and after the last."""
    observability().all_resources_properties(ALARM, {"TreatMissingData": "ignore"})


@pytest.mark.parametrize(
    "metric",
    [
        "node_gpu_utilization",
        "node_gpu_memory_utilization",
        "cluster_node_count",
        "FreeDataStorageCapacity",
        "DataReadBytes",
        "DataWriteBytes",
    ],
)
def test_the_dashboard_shows_gpus_nodes_and_the_file_system(metric: str) -> None:
    dashboard = only(observability(), "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == CLUSTER
    assert f'\\"{metric}\\"' in json.dumps(dashboard["DashboardBody"])
