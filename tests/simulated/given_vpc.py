"""An existing VPC, as EC2 describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.simulated.aws import Answers

VPC = "vpc-0123456789abcdef0"


@dataclass
class Subnet:
    """One subnet.

    `out`: the target of its default route, empty for none; `on_launch`: its instances get public
    addresses; `own_table`: it has its own route table, otherwise the VPC's main one.
    """

    zone: str
    zone_id: str
    free: int = 4000
    out: str = "nat-1"
    state: str = "active"
    s3: bool = True
    tags: dict[str, str] = field(default_factory=dict)
    on_launch: bool = False
    own_table: bool = True

    @property
    def id(self) -> str:
        """Its id, which names its zone."""
        return f"subnet-0123456789abcde{self.zone[-1]}0"

    def row(self) -> dict[str, Any]:
        """Return it as DescribeSubnets does."""
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {
            "SubnetId": self.id,
            "AvailabilityZone": self.zone,
            "AvailabilityZoneId": self.zone_id,
            "AvailableIpAddressCount": self.free,
            "MapPublicIpOnLaunch": self.on_launch,
            "Tags": tags,
        }

    def table(self) -> dict[str, Any]:
        """Return its route table as DescribeRouteTables does."""
        kinds = {"nat": "NatGatewayId", "tgw": "TransitGatewayId", "igw": "GatewayId"}
        routes: list[dict[str, Any]] = [{"DestinationCidrBlock": "10.9.0.0/16", "State": "active"}]
        if self.out:
            route = {"DestinationCidrBlock": "0.0.0.0/0", "State": self.state}
            routes.append({**route, kinds[self.out[:3]]: self.out})
        if self.s3:
            to_s3 = {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "State": "active"}
            routes.append(to_s3)
        bound = {"SubnetId": self.id} if self.own_table else {"Main": True}
        return {
            "RouteTableId": f"rtb-{self.zone[-1]}",
            "Associations": [bound],
            "Routes": routes,
        }


@dataclass
class GivenVpc:
    """The VPC with its subnets; `dns` are the attributes that are enabled."""

    subnets: list[Subnet] = field(
        default_factory=lambda: [
            Subnet("us-west-2b", "usw2-az2"),
            Subnet("us-west-2c", "usw2-az3"),
        ]
    )
    dns: set[str] = field(default_factory=lambda: {"enableDnsSupport", "enableDnsHostnames"})

    def answers(self) -> Answers:
        """EC2's answers about it, and nothing else."""
        return {
            "ec2.describe_vpcs": {"Vpcs": [{"VpcId": VPC, "CidrBlock": "10.9.0.0/16"}]},
            "ec2.describe_vpc_attribute": self._attribute,
            "ec2.describe_subnets": self.rows,
            "ec2.describe_route_tables": self._tables,
        }

    def _attribute(self, VpcId: str, Attribute: str) -> dict[str, Any]:
        return {Attribute[0].upper() + Attribute[1:]: {"Value": Attribute in self.dns}}

    def rows(self, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        """Return EC2's answer with the VPC's subnets."""
        assert Filters == [{"Name": "vpc-id", "Values": [VPC]}]
        return {"Subnets": [each.row() for each in self.subnets]}

    def _tables(self, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        assert Filters == [{"Name": "vpc-id", "Values": [VPC]}]
        return {"RouteTables": [each.table() for each in self.subnets]}
