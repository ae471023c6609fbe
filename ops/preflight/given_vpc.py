"""The VPC that the settings name: it must be there."""

from __future__ import annotations

from ops.aws import Deployment
from ops.results import Result, failed, passed


def vpc(deployment: Deployment) -> Result:
    """Whether the given VPC is there."""
    wanted = deployment.settings.network.vpc_id
    listed = deployment.aws.pages(
        "ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "vpc-id", "Values": [wanted]}]
    )
    if not listed:
        return failed(
            "VPC",
            f"{wanted} is not in {deployment.settings.region} of this account",
            "Check network.vpc_id and region",
        )
    return passed("VPC", f"{wanted}, {listed[0]['CidrBlock']}")
