"""API calls that the emulator lacks."""

from __future__ import annotations

from rehearsal.local_aws.calls import eks, fsx, resources

PARTS = (eks, fsx, resources)
