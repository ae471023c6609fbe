"""API calls that the emulator lacks."""

from __future__ import annotations

from rehearsal.local_aws.calls import (
    capacity_reservations,
    ec2,
    eks,
    fsx,
    identity,
    pricing,
    quotas,
    resources,
    ssm,
)

PARTS = (capacity_reservations, ec2, eks, fsx, identity, pricing, quotas, resources, ssm)
