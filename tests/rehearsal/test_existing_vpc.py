"""A deployment in an existing VPC: the real CLI looks it up, and the VPC stays."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rehearsal.local_aws import inventory
from rehearsal.machine.environment import ROOT
from tests.context import cdk_flags, pinned

pytestmark = pytest.mark.rehearsal
ZONES = ("us-west-2a", "us-west-2b")


def make_vpc(ec2: Any) -> tuple[str, dict[str, str]]:
    """Create a VPC with two subnets per zone; return it and the private subnets."""
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    private = {}
    for number, zone in enumerate(ZONES):
        public = subnet(ec2, vpc, zone, f"10.9.{number}.0/24", {"GatewayId": internet})
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        gateway = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]
        way_out = {"NatGatewayId": gateway["NatGatewayId"]}
        private[zone] = subnet(ec2, vpc, zone, f"10.9.{16 * (number + 1)}.0/20", way_out)
    return vpc, private


def subnet(ec2: Any, vpc: str, zone: str, cidr: str, way_out: dict[str, str]) -> str:
    made: str = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"][
        "SubnetId"
    ]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **way_out)
    ec2.associate_route_table(RouteTableId=table, SubnetId=made)
    return made


def test_an_existing_vpc_is_looked_up_used_and_left(account: Any, tmp_path: Path) -> None:
    ec2 = account.client("ec2")
    vpc, private = make_vpc(ec2)
    pinned_before = pinned()
    before = inventory.take(account.client)
    # The CLI stores what it looks up next to cdk.json, so this is a copy.
    project = {"app": f"{sys.executable} {ROOT / 'app.py'}", "context": cdk_flags()}
    (tmp_path / "cdk.json").write_text(json.dumps(project), encoding="utf-8")
    cdk = dataclasses.replace(account.cdk, project=tmp_path)

    cdk.synth(
        [
            f"network.vpc_id={vpc}",
            f"gpu.availability_zone={ZONES[1]}",
            "storage.keep_bucket=false",
        ]
    )
    cdk.deploy()
    assert account.node_group("gpu")["subnets"] == [private[ZONES[1]]]
    assert set(account.node_group("core")["subnets"]) == set(private.values())
    (system,) = account.client("fsx").describe_file_systems()["FileSystems"]
    assert system["SubnetIds"] == [private[ZONES[1]]]
    assert inventory.take(account.client)["VPCs"] == {vpc}
    cdk.diff()
    cdk.destroy()
    assert inventory.left(before, inventory.take(account.client)) == {}
    assert pinned() == pinned_before
