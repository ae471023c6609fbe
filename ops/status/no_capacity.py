"""Missing capacity for nodes: detected from the activities of a node group's scaling group."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from ops.aws import Deployment

# EC2's messages, On-Demand and Spot:
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-capacity.html
_CAPACITY = re.compile(
    r"InsufficientInstanceCapacity|do not have sufficient|no Spot capacity|"
    r"ReservationCapacityExceeded",
    re.IGNORECASE,
)
_LAUNCH = re.compile(r"^Launching", re.IGNORECASE)
_ZONE = re.compile(r"\(([a-z]{2}(?:-[a-z0-9]+)+[a-z])\)")
# AWS's limit per page, newest first; older ones are ignored.
_MOST = 100
# The autoscaler withdraws its request after a quarter of an hour and retries later; a failure older
# than this is not what the training is waiting for.
_RECENT = timedelta(hours=1)


def no_capacity(deployment: Deployment, group: Mapping[str, Any]) -> str:
    """Say for which types AWS has no capacity, where and since when; empty if it has.

    `group`: from `eks:DescribeNodegroup`.
    """
    client = deployment.aws.client("autoscaling")
    for each in group.get("resources", {}).get("autoScalingGroups", []):
        activities = client.describe_scaling_activities(
            AutoScalingGroupName=each["name"], MaxRecords=_MOST
        )["Activities"]
        failed = _failed_last(activities)
        if failed and datetime.now(UTC) - failed[0]["StartTime"] < _RECENT:
            return _sentence(failed, group, deployment.settings.gpu_zone)
    return ""


def _failed_last(activities: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the launches that failed since the last successful one, newest first."""
    launches = [
        each
        for each in sorted(activities, key=lambda each: each["StartTime"], reverse=True)
        if _LAUNCH.match(each.get("Description", ""))
        and each["StatusCode"] in ("Successful", "Failed", "Cancelled")
    ]
    return list(takewhile(_lacked_capacity, launches))


def _lacked_capacity(activity: Mapping[str, Any]) -> bool:
    return activity["StatusCode"] == "Failed" and bool(
        _CAPACITY.search(activity.get("StatusMessage", ""))
    )


def _sentence(failed: list[dict[str, Any]], group: Mapping[str, Any], zone: str) -> str:
    zones = sorted({_zone(each, zone) for each in failed})
    types = " or ".join(group.get("instanceTypes") or ["its type"])
    return (
        f"no capacity in {', '.join(zones)} for {types} since "
        f"{failed[-1]['StartTime'].astimezone(UTC):%Y-%m-%d %H:%M} UTC; requests to AWS are "
        "repeated. Wait, let EKS choose among several types (gpu.instance_type=A,B; "
        "./bionemo preflight --use A,B), buy differently (gpu.purchase), or deploy in another zone"
    )


def _zone(activity: Mapping[str, Any], otherwise: str) -> str:
    named = _ZONE.search(activity.get("StatusMessage", ""))
    if named:
        return named[1]
    try:
        details = json.loads(activity.get("Details", "{}"))
    except ValueError:
        return otherwise
    return str(details.get("Availability Zone", otherwise))
