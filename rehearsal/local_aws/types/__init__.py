"""CloudFormation types that the emulator lacks, one file a service."""

from __future__ import annotations

from typing import Any

from rehearsal.local_aws.types import ec2, eks, export_guard, fsx, kubectl, s3

HANDLERS: dict[str, dict[str, Any]] = {
    **ec2.HANDLERS,
    **eks.HANDLERS,
    **export_guard.HANDLERS,
    **fsx.HANDLERS,
    **kubectl.HANDLERS,
    **s3.HANDLERS,
}
# Those that do more at the start than to be in the table.
PARTS = (kubectl,)
