"""What a person hears of a deployment."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk.assertions import Match


def gpu_group(deployment: Any) -> str:
    """Return the name of the GPU node group, as EKS and its Auto Scaling group have it."""
    (name,) = [
        each["Properties"]["NodegroupName"]
        for each in deployment.resources("Cluster", "AWS::EKS::Nodegroup").values()
        if each["Properties"]["Labels"]["NodeGroupType"] == "gpu"
    ]
    return str(name)


@pytest.mark.parametrize(
    "settings", [{}, {"gpu.instance_type": "g5.12xlarge"}, {"gpu.purchase": "spot"}]
)
def test_messages_tell_of_this_clusters_gpu_nodes_alone(
    synth: Any, settings: dict[str, str]
) -> None:
    """Whichever node group it is now: another one has another name."""
    deployment = synth(**settings)
    (rule,) = deployment.resources("Observability", "AWS::Events::Rule").values()
    pattern = rule["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.autoscaling"]
    ((prefix,),) = (each.values() for each in pattern["detail"]["AutoScalingGroupName"])
    assert f"eks-{gpu_group(deployment)}-1ac2".startswith(prefix)
    for other in ("eks-bionemo-on-eks-core-0a1b2c3d-1", "eks-another-gpu-0a1b2c3d-1"):
        assert not other.startswith(prefix)


def line_of(deployment: Any, container: str) -> str:
    """Return a line of a container of the watching Job, as Container Insights logs it."""
    (job,) = [
        each
        for each in deployment.kubernetes_objects("Workload")
        if each["kind"] == "Job" and each["metadata"]["name"].startswith("esm1nv-watch")
    ]
    pod = job["spec"]["template"]["spec"]
    (found,) = [
        each for each in [*pod["initContainers"], *pod["containers"]] if each["name"] == container
    ]
    what = found["args"][-1].replace("pytorchjob/", "pytorchjob.kubeflow.org/")
    return json.dumps(
        {
            "log": f"{what} condition met",
            "kubernetes": {
                "pod_name": f"{job['metadata']['name']}-x7k2p",
                "container_name": container,
            },
        }
    )


def messages(deployment: Any, line: str) -> list[str]:
    """Return the alarms that a line in the log of the pods sets off."""
    metrics = {}
    for each in deployment.resources("Observability", "AWS::Logs::MetricFilter").values():
        properties = each["Properties"]
        assert properties["LogGroupName"] == "/aws/containerinsights/bionemo-on-eks/application"
        (metric,) = properties["MetricTransformations"]
        # All terms, each in quotes: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
        metrics[metric["MetricName"]] = re.findall(r'"([^"]+)"', properties["FilterPattern"])
    return [
        each["Properties"]["AlarmName"]
        for each in deployment.resources("Observability", "AWS::CloudWatch::Alarm").values()
        if (terms := metrics.get(each["Properties"]["MetricName"]))
        and all(term in line for term in terms)
    ]


@pytest.mark.parametrize("end", ["training-succeeded", "training-failed"])
def test_a_message_says_how_the_training_has_ended(default: Any, end: str) -> None:
    assert messages(default, line_of(default, end)) == [f"bionemo-on-eks-{end}"]


def test_the_launchers_end_is_not_the_trainings(default: Any) -> None:
    assert messages(default, line_of(default, "wait-for-launcher")) == []


def test_little_space_is_a_tenth_of_this_file_system(default: Any) -> None:
    default.template("Observability").has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"MetricName": "FreeDataStorageCapacity", "Threshold": 240 * 2**30},
    )


def test_an_address_is_subscribed_only_when_given(default: Any, synth: Any) -> None:
    default.template("Observability").resource_count_is("AWS::SNS::Subscription", 0)
    deployment = synth(**{"notifications.email": "team@example.org"})
    deployment.template("Observability").has_resource_properties(
        "AWS::SNS::Subscription",
        {"Protocol": "email", "Endpoint": "team@example.org", "TopicArn": Match.any_value()},
    )
