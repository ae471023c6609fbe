"""A deployment's messages, alarms and dashboard."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk.assertions import Match


def gpu_group(deployment: Any) -> str:
    """Return the name of the GPU node group, as in EKS and its Auto Scaling group."""
    (name,) = [
        each["Properties"]["NodegroupName"]
        for each in deployment.resources("Cluster", "AWS::EKS::Nodegroup").values()
        if each["Properties"]["Labels"]["NodeGroupType"] == "gpu"
    ]
    return str(name)


@pytest.mark.parametrize(
    "settings", [{}, {"gpu.instance_type": "g5.12xlarge"}, {"gpu.purchase": "spot"}]
)
def test_messages_are_about_this_clusters_gpu_nodes_only(
    synth: Any, settings: dict[str, str]
) -> None:
    """Whatever the current node group is: a new one has a new name."""
    deployment = synth(**settings)
    (rule,) = deployment.resources("Observability", "AWS::Events::Rule").values()
    pattern = rule["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.autoscaling"]
    ((prefix,),) = (each.values() for each in pattern["detail"]["AutoScalingGroupName"])
    assert f"eks-{gpu_group(deployment)}-1ac2".startswith(prefix)
    for other in ("eks-bionemo-on-eks-core-0a1b2c3d-1", "eks-another-gpu-0a1b2c3d-1"):
        assert not other.startswith(prefix)


def test_the_alarms_use_the_metrics_that_the_watch_publishes(default: Any) -> None:
    """In the namespace that its pod gets."""
    (watch,) = [
        each for each in default.kubernetes_objects("Workload") if each["kind"] == "Deployment"
    ]
    (container,) = watch["spec"]["template"]["spec"]["containers"]
    namespace = container["args"][container["args"].index("--metrics") + 1]
    alarms = default.resources("Observability", "AWS::CloudWatch::Alarm").values()
    asked = {
        each["Properties"]["AlarmName"]
        for each in alarms
        if each["Properties"].get("Namespace") == namespace
    }
    wanted = ("training-succeeded", "training-failed", "dataset-error", "watch-silent")
    assert {f"bionemo-on-eks-{name}" for name in wanted} <= asked


def test_little_space_is_a_tenth_of_this_file_system(default: Any) -> None:
    default.template("Observability").has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "AWS/FSx",
            "MetricName": "FreeDataStorageCapacity",
            "Dimensions": [{"Name": "FileSystemId", "Value": Match.any_value()}],
            "Threshold": 240 * 2**30,
            "ComparisonOperator": "LessThanThreshold",
        },
    )


def test_an_email_address_is_subscribed_only_when_given(default: Any, synth: Any) -> None:
    default.template("Observability").resource_count_is("AWS::SNS::Subscription", 0)
    deployment = synth(**{"notifications.email": "team@example.org"})
    deployment.template("Observability").has_resource_properties(
        "AWS::SNS::Subscription",
        {"Protocol": "email", "Endpoint": "team@example.org", "TopicArn": Match.any_value()},
    )
