"""The Capacity Blocks that AWS sells now for the type and number of the GPU nodes.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-purchase.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from bionemo_eks.configuration.purchase import SUSPENDED_BEFORE_END_MINUTES
from ops.aws import Deployment
from ops.cost.ways import AROUND_TRAINING_HOURS
from ops.preflight.quota_codes import block_quota_code
from ops.preflight.quotas import limit_of
from ops.reservations import BLOCK, kind_of

# Hours: blocks are sold by the day up to 14, then by 7 days up to 182.
_DAY, _DAYS, _WEEK, _MOST = 24, 14, 7, 182


class NotSoldError(ValueError):
    """No Capacity Block is sold as the settings want it; the text says why."""


@dataclass(frozen=True)
class Offer:
    """A block that can be bought: where, from when to when, for how much; its own price an hour.

    `dollars` is for all of it, paid at once; `offering_id` is what one buys it by.
    """

    zone: str
    start: datetime
    end: datetime
    hours: int
    instances: int
    dollars: float
    offering_id: str

    @property
    def hourly(self) -> float:
        """US dollars for an hour of one instance."""
        return self.dollars / (self.hours * self.instances)


@dataclass(frozen=True)
class Quota:
    """How many blocks of the family the account may have at a time, and how many it has."""

    code: str
    allowed: float
    there: int


def hours_to_ask_for(training_hours: float) -> int:
    """Return the hours of the shortest block in which a training of so many hours goes through.

    Of the beginning nodes boot and pull the image; at the end there is a time for the last save.
    """
    needed = training_hours + AROUND_TRAINING_HOURS + SUSPENDED_BEFORE_END_MINUTES / 60
    days = math.ceil(needed / _DAY)
    if days > _DAYS:
        days = math.ceil(days / _WEEK) * _WEEK
    return min(days, _MOST) * _DAY


def offers(deployment: Deployment, hours: int) -> list[Offer]:
    """Return what is sold, the earliest first; raises NotSoldError, and botocore's errors."""
    gpu = deployment.settings.gpu
    if len(gpu.types) > 1:
        raise NotSoldError(
            f"a Capacity Block is of one instance type, and gpu.instance_type is "
            f"{gpu.instance_type}: -c gpu.instance_type={gpu.types[0]}"
        )
    listed = deployment.aws.pages(
        "ec2",
        "describe_capacity_block_offerings",
        "CapacityBlockOfferings",
        InstanceType=gpu.instance_type,
        InstanceCount=gpu.nodes,
        CapacityDurationHours=hours,
    )
    found = [
        Offer(
            each["AvailabilityZone"],
            each["StartDate"],
            each["EndDate"],
            each["CapacityBlockDurationHours"],
            each["InstanceCount"],
            float(each["UpfrontFee"]),
            each["CapacityBlockOfferingId"],
        )
        for each in listed
        # Neither EKS nor the file system is in a local zone.
        if each.get("ZoneType", "availability-zone") == "availability-zone"
    ]
    return sorted(found, key=lambda each: (each.start, each.dollars))


def quota(deployment: Deployment) -> Quota | None:
    """Return the quota that a purchase needs room in; None where no code is known."""
    kind = deployment.settings.gpu.types[0]
    code = block_quota_code(kind)
    if not code:
        return None
    family = kind.partition(".")[0]
    there = [
        each
        for each in deployment.aws.pages(
            "ec2", "describe_capacity_reservations", "CapacityReservations"
        )
        if kind_of(each) == BLOCK
        and each["InstanceType"].partition(".")[0] == family
        and each["State"] in ("active", "scheduled", "payment-pending")
    ]
    return Quota(code, limit_of(deployment, "ec2", code), len(there))
