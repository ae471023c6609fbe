"""API calls that the emulator lacks."""

from __future__ import annotations

from rehearsal.local_aws.calls import ec2, eks, fsx, identity, quotas, resources

PARTS = (ec2, eks, fsx, identity, quotas, resources)
