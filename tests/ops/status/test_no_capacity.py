"""status reports a node group that waits because AWS has no capacity for its nodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.status.lines import Line
from ops.status.node_groups import node_groups
from tests.ops.reading import in_order
from tests.ops.status.deployments import nodegroup, standing
from tests.simulated.accounts import simulated_deployment
from tests.simulated.aws import denied

NOW = datetime.now(UTC)
# As EC2 words it: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-capacity.html
NONE_LEFT = (
    "We currently do not have sufficient p4d.24xlarge capacity in the Availability Zone you "
    "requested (us-west-2b). Our system will be working on provisioning additional capacity."
)
NO_SPOT = "Could not launch Spot Instances. InsufficientInstanceCapacity - there is none."


def launch(minutes: float, status: str = "Failed", message: str = NONE_LEFT) -> dict[str, Any]:
    """A launch that began some minutes ago."""
    return {
        "ActivityId": f"a-{minutes}",
        "AutoScalingGroupName": "eks-gpu",
        "Description": "Launching a new EC2 instance.",
        "Cause": "a user request",
        "StartTime": NOW - timedelta(minutes=minutes),
        "StatusCode": status,
        "StatusMessage": message,
        "Details": '{"Availability Zone":"us-west-2c"}',
    }


def gpu_line(*activities: dict[str, Any], answer: Any = None, **group: Any) -> Line:
    """The line of a node group whose scaling group has had these activities."""

    def described(AutoScalingGroupName: str, MaxRecords: int) -> dict[str, Any]:
        assert AutoScalingGroupName == "eks-gpu"
        return {"Activities": list(activities)}

    about = nodegroup(resources={"autoScalingGroups": [{"name": "eks-gpu"}]}, **group)
    answers = standing(
        eks__describe_nodegroup=about, autoscaling__describe_scaling_activities=answer or described
    )
    (line,) = node_groups(simulated_deployment({}, answers))
    return line


def when(minutes: float) -> str:
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%d %H:%M}"


def test_a_group_without_capacity_says_where_for_what_and_since_when() -> None:
    line = gpu_line(launch(2), launch(9), launch(31), launch(40, "Successful", "It has started."))
    assert f"no capacity in us-west-2b for p4d.24xlarge since {when(31)} UTC" in line.state
    assert "gpu.instance_type" in line.state, "what to do"
    assert (line.good, line.unsettled) == (None, True)


def test_all_instance_types_of_the_group_are_named() -> None:
    line = gpu_line(launch(2), instanceTypes=["p4d.24xlarge", "p4de.24xlarge"])
    assert "for p4d.24xlarge or p4de.24xlarge since" in line.state


def test_a_request_that_the_autoscaler_withdrew_still_counts_as_waiting() -> None:
    sizes = {"desiredSize": 0, "maxSize": 2, "minSize": 0}
    assert "no capacity" in gpu_line(launch(20), scalingConfig=sizes).state


def test_the_zone_comes_from_the_details_if_the_message_lacks_it() -> None:
    assert "no capacity in us-west-2c" in gpu_line(launch(2, message=NO_SPOT)).state


@pytest.mark.parametrize(
    "activities",
    [
        [],
        [launch(1, "Successful", "It has started."), launch(5)],
        [launch(90)],
        [launch(1, message="You have requested more vCPU capacity than your current limit")],
        [launch(1, "InProgress", "It starts.")],
        [{**launch(1), "Description": "Terminating EC2 instance: i-1"}],
    ],
    ids=["none", "launched since", "long ago", "a quota", "under way", "a termination"],
)
def test_other_activities_are_not_reported_as_missing_capacity(
    activities: list[dict[str, Any]],
) -> None:
    assert "no capacity" not in gpu_line(*activities).state


def test_a_group_with_a_health_issue_is_still_wrong() -> None:
    issue = {"code": "AsgInstanceLaunchFailures", "message": "it failed"}
    line = gpu_line(launch(2), status="DEGRADED", health={"issues": [issue]})
    assert in_order(line.state, "it failed", "no capacity")
    assert line.good is False


def test_without_permission_the_rest_is_reported_and_so_is_that() -> None:
    line = gpu_line(answer=denied("DescribeScalingActivities"))
    assert in_order(line.state, "ACTIVE", "DescribeScalingActivities")
    assert line.good is True
