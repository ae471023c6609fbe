"""EC2's answers on instances: types offered, those running, reservations and Capacity Blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulated.answers import ZONES
from tests.simulated.aws import ACCOUNT


def offered_in(
    *zones: str,
    without: Collection[str] = ("p3.2xlarge", "p3.8xlarge", "p3.16xlarge"),
    others: Collection[str] = ZONES,
) -> Callable[..., dict[str, Any]]:
    """Instance type offerings: P types in `zones`, other types in `others`, none of `without`."""

    def answer(LocationType: str, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        assert LocationType == "availability-zone"
        ((name, kinds),) = ((each["Name"], each["Values"]) for each in Filters)
        assert name == "instance-type"
        return {
            "InstanceTypeOfferings": [
                {"InstanceType": kind, "Location": zone}
                for kind in kinds
                if kind not in without
                for zone in (zones if kind.startswith("p") else others)
            ]
        }

    return answer


def running(*instances: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """EC2's answer with the running instances; the only request that is allowed."""

    def answer(Filters: list[dict[str, Any]]) -> dict[str, Any]:
        assert Filters == [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        return {"Reservations": [{"Instances": list(instances)}]}

    return answer


def reserved(*reservations: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """EC2's Capacity Reservations: those with some ids, all, or all active ones."""

    def answer(
        CapacityReservationIds: list[str] | None = None,
        Filters: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        assert Filters in (None, [{"Name": "state", "Values": ["active"]}])
        wanted = CapacityReservationIds
        chosen = [
            each
            for each in reservations
            if (wanted is None or each["CapacityReservationId"] in wanted)
            and (Filters is None or each["State"] == "active")
        ]
        return {"CapacityReservations": chosen}

    return answer


# Settings with a Capacity Block, and EC2's description of that block.
BLOCK = {
    "gpu.purchase": "capacity-block",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}


def block(**changes: Any) -> dict[str, Any]:
    """An existing Capacity Block, for two nodes of the default type in the default zone."""
    return {
        "CapacityReservationId": BLOCK["gpu.capacity_reservation_id"],
        "ReservationType": "capacity-block",
        "State": "active",
        "InstanceType": "p4d.24xlarge",
        "AvailabilityZone": ZONES[0],
        "InstancePlatform": "Linux/UNIX",
        "Tenancy": "default",
        "TotalInstanceCount": 2,
        "AvailableInstanceCount": 2,
        **changes,
    }


# The start of the first offer.
OFFERED_FROM, OFFER = datetime(2027, 1, 5, 11, 30, tzinfo=UTC), "cb-0123456789abcdef0"


def offered_blocks(
    InstanceType: str, InstanceCount: int, CapacityDurationHours: int
) -> dict[str, Any]:
    """Two Capacity Blocks on offer, the later one first, and one in a local zone."""
    assert CapacityDurationHours % 24 == 0

    def offer(name: str, zone: str, later: int, kind: str) -> dict[str, Any]:
        start = OFFERED_FROM + timedelta(days=later)
        return {
            "CapacityBlockOfferingId": name,
            "InstanceType": InstanceType,
            "AvailabilityZone": zone,
            "InstanceCount": InstanceCount,
            "StartDate": start,
            "EndDate": start + timedelta(hours=CapacityDurationHours),
            "CapacityBlockDurationHours": CapacityDurationHours,
            "UpfrontFee": f"{10.0 * InstanceCount * CapacityDurationHours}",
            "CurrencyCode": "USD",
            "ZoneType": kind,
        }

    return {
        "CapacityBlockOfferings": [
            offer("cb-00000000000000002", ZONES[1], 3, "availability-zone"),
            offer(OFFER, ZONES[2], 0, "availability-zone"),
            offer("cb-00000000000000003", "us-west-2-lax-1a", 0, "local-zone"),
        ]
    }


def grouped(group: str, *reservations: str) -> Callable[..., dict[str, Any]]:
    """A resource group with reservations, given by id, and something else."""

    def answer(Group: str) -> dict[str, Any]:
        assert Group == group
        found = [
            {
                "ResourceArn": f"arn:aws:ec2:us-west-2:{ACCOUNT}:capacity-reservation/{each}",
                "ResourceType": "AWS::EC2::CapacityReservation",
            }
            for each in reservations
        ]
        other = {"ResourceArn": "arn:aws:ec2:us-west-2::host/h", "ResourceType": "AWS::EC2::Host"}
        return {"Resources": [{"Identifier": each} for each in (*found, other)]}

    return answer
