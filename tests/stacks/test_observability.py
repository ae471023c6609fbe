"""What a person hears of a deployment."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk.assertions import Match


def test_messages_tell_of_this_clusters_gpu_nodes_alone(default: Any) -> None:
    (rule,) = default.resources("Observability", "AWS::Events::Rule").values()
    gpu = next(
        logical_id
        for logical_id, each in default.resources("Cluster", "AWS::EKS::Nodegroup").items()
        if each["Properties"]["Labels"]["NodeGroupType"] == "gpu"
    )
    pattern = rule["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.autoscaling"]
    prefix = json.dumps(pattern["detail"]["AutoScalingGroupName"])
    assert "eks-" in prefix
    assert gpu in prefix or "FnGetAtt" in prefix


def test_alarms_reach_the_topic(default: Any) -> None:
    alarms = default.resources("Observability", "AWS::CloudWatch::Alarm").values()
    (topic,) = default.resources("Observability", "AWS::SNS::Topic")
    assert alarms
    for alarm in alarms:
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": topic}]


def test_little_space_is_a_tenth_of_the_file_system(synth: Any) -> None:
    deployment = synth(**{"storage.capacity_gib": "4800"})
    deployment.template("Observability").has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": "FreeDataStorageCapacity",
            "Namespace": "AWS/FSx",
            "Threshold": 480 * 2**30,
            "ComparisonOperator": "LessThanThreshold",
        },
    )


def test_an_address_is_subscribed_only_when_given(default: Any, synth: Any) -> None:
    default.template("Observability").resource_count_is("AWS::SNS::Subscription", 0)
    deployment = synth(**{"notifications.email": "team@example.org"})
    deployment.template("Observability").has_resource_properties(
        "AWS::SNS::Subscription",
        {"Protocol": "email", "Endpoint": "team@example.org", "TopicArn": Match.any_value()},
    )


def test_the_dashboard_shows_gpus_nodes_and_space(default: Any) -> None:
    (dashboard,) = default.resources("Observability", "AWS::CloudWatch::Dashboard").values()
    text = json.dumps(dashboard["Properties"]["DashboardBody"])
    for metric in ("gpu_utilization", "cluster_node_count", "FreeDataStorageCapacity"):
        assert metric in text
