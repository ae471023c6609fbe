"""Capacity Reservations as EC2 describes them: single ones, those in a resource group, blocks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from bionemo_eks.configuration.purchase import SUSPENDED_BEFORE_END_MINUTES
from ops.aws import Deployment, instances, is_own
from ops.reasons import code_of

Row = dict[str, Any]
BLOCK = "capacity-block"
_KIND = "AWS::EC2::CapacityReservation"


def kind_of(row: Row) -> str:
    """Return `capacity-block` or, for an On-Demand Capacity Reservation, `default`."""
    return str(row.get("ReservationType", "default"))


def own(deployment: Deployment) -> list[Row]:
    """Return the reservations that the settings name, by ID or by group, if they exist.

    Raises ClientError if AWS does not answer.
    """
    return deployment.once("own reservations", lambda: _own(deployment))


def _own(deployment: Deployment) -> list[Row]:
    gpu = deployment.settings.gpu
    if gpu.capacity_reservation_group:
        wanted = _in_group(deployment, gpu.capacity_reservation_group)
    else:
        wanted = [gpu.capacity_reservation_id] if gpu.capacity_reservation_id else []
    if not wanted:
        return []
    try:
        listed = deployment.aws.pages(
            "ec2",
            "describe_capacity_reservations",
            "CapacityReservations",
            CapacityReservationIds=wanted,
        )
    except Exception as error:
        if code_of(error).startswith("InvalidCapacityReservationId"):
            return []
        raise
    return [each for each in listed if each["CapacityReservationId"] in wanted]


def _in_group(deployment: Deployment, group: str) -> list[str]:
    """Return the IDs of a group's reservations; none if there is no such group.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-cr-group.html
    """
    try:
        listed = deployment.aws.pages(
            "resource-groups", "list_group_resources", "Resources", Group=group
        )
    except Exception as error:
        if code_of(error) == "NotFoundException":
            return []
        raise
    found = (each["Identifier"] for each in listed)
    return [
        each["ResourceArn"].rpartition("/")[2] for each in found if each["ResourceType"] == _KIND
    ]


def own_nodes(deployment: Deployment, ids: Collection[str]) -> int:
    """Return how many of the deployment's running instances are in reservations `ids`."""
    return sum(
        each.get("CapacityReservationId") in ids and is_own(deployment, each.get("Tags"))
        for each in instances(deployment)
    )


def in_utc(at: datetime) -> str:
    """Return a time as shown, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def suspended_at(row: Row) -> datetime | None:
    """Return when the watch suspends a training in a block; None if EC2 reports no end."""
    end = row.get("EndDate")
    if not isinstance(end, datetime):
        return None
    return end - timedelta(minutes=SUSPENDED_BEFORE_END_MINUTES)
