"""One of each resource in the emulator, which runs in the tests' own process here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types import fsx
from rehearsal.local_aws.types.provisioner import Properties
from tests.rehearsal.local_aws.shared import ROLE


@pytest.fixture(scope="session")
def ids() -> dict[str, str]:
    """Create one of each resource with the services' calls; return their ids by name."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/21")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for block, zone in (("10.1.0.0/24", "us-west-2a"), ("10.1.1.0/24", "us-west-2b"))
    ]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    template = ec2.create_launch_template(LaunchTemplateName="t", LaunchTemplateData={})
    for name in ("present", "other"):
        client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    client("s3").create_bucket(Bucket="bucket")
    config = {"subnetIds": subnets}
    client("eks").create_cluster(name="cluster", roleArn=ROLE, resourcesVpcConfig=config)
    return {
        "vpc-1": vpc,
        "subnet-1": subnets[0],
        "subnet-2": subnets[1],
        "sg-1": group,
        "eipalloc-1": ec2.allocate_address(Domain="vpc")["AllocationId"],
        "lt-1": template["LaunchTemplate"]["LaunchTemplateId"],
    }


@pytest.fixture
def real(ids: dict[str, str]) -> Iterator[Callable[[Properties], Properties]]:
    """Return a function that puts real ids into properties; clear the file systems at the end."""

    def replace(properties: Properties) -> Properties:
        text = json.dumps(properties)
        for name, made in ids.items():
            text = text.replace(f'"{name}"', f'"{made}"')
        replaced: Properties = json.loads(text)
        return replaced

    yield replace
    for table in (fsx.file_systems, fsx.associations):
        table.clear()
