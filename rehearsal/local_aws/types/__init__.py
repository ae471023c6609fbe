"""CloudFormation types that the emulator lacks, one file per service."""

from __future__ import annotations

from rehearsal.local_aws import private
from rehearsal.local_aws.types import budgets, ec2, eks, export_guard, fsx, kubectl_provider, s3
from rehearsal.local_aws.types.provisioner import Provisioner, ResourceType

TYPES: dict[str, ResourceType] = {
    **budgets.TYPES,
    **ec2.TYPES,
    **eks.TYPES,
    **export_guard.TYPES,
    **fsx.TYPES,
    **kubectl_provider.TYPES,
    **s3.TYPES,
}


def register() -> None:
    """Add the types to the emulator's own."""
    private.RESOURCE_TYPES.value.update(Provisioner().handlers(TYPES))
    kubectl_provider.register()
