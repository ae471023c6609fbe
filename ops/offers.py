"""The Capacity Blocks that AWS currently offers for the type and number of the GPU nodes.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-purchase.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bionemo_eks.configuration.settings import Settings
from ops.aws import Aws, Deployment
from ops.preflight.quota_codes import block_quota_code
from ops.preflight.quotas import limit_of
from ops.reservations import BLOCK, kind_of


class NotSoldError(ValueError):
    """No Capacity Block is sold for these settings; the message says why."""


@dataclass(frozen=True)
class Offer:
    """A block that can be bought: its zone, start, end, and price.

    `dollars`: for all of it, paid up front; `offering_id`: for buying it.
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
        """US dollars per instance-hour."""
        return self.dollars / (self.hours * self.instances)


@dataclass(frozen=True)
class Quota:
    """How many concurrent blocks of the family are `allowed`, and how many exist (`there`)."""

    code: str
    allowed: float
    there: int


def offers(aws: Aws, settings: Settings, hours: int) -> list[Offer]:
    """Return the offers, earliest first; raises NotSoldError, and botocore's errors."""
    gpu = settings.gpu
    if len(gpu.types) > 1:
        raise NotSoldError(
            f"a Capacity Block has one instance type, but gpu.instance_type is "
            f"{gpu.instance_type}: -c gpu.instance_type={gpu.types[0]}"
        )
    listed = aws.pages(
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
        # Local Zones have no EKS control plane and no FSx.
        if each.get("ZoneType", "availability-zone") == "availability-zone"
    ]
    return sorted(found, key=lambda each: (each.start, each.dollars))


def quota(deployment: Deployment) -> Quota | None:
    """Return the quota that a purchase counts against; None if no code is known."""
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
