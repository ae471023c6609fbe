"""The private subnets of the VPC that the settings name, as CDK's lookup will find them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops.aws import Deployment

_EVERYWHERE = "0.0.0.0/0"
# Tells CDK a subnet's kind, and overrides its routes.
KIND_TAG = "aws-cdk:subnet-type"


@dataclass(frozen=True)
class PrivateSubnet:
    """A subnet with a route out through NAT: its zone, by name and ID, and its free addresses.

    `way_out` says that the route works, `s3` that traffic to S3 goes through a gateway endpoint.
    """

    id: str
    zone: str
    zone_id: str
    free: int
    route_table: str
    way_out: bool
    s3: bool


def private_subnets(deployment: Deployment) -> list[PrivateSubnet]:
    """Return the VPC's private subnets, for EKS and the file system, by zone.

    CDK decides what is private: by the tag, else what has no route to an internet gateway and one
    to a NAT or transit gateway. Source: `VpcNetworkContextProviderPlugin` of
    https://github.com/aws/aws-cdk-cli/blob/main/packages/@aws-cdk/toolkit-lib/lib/context-providers/vpcs.ts
    """
    return deployment.once("private subnets", lambda: sorted(_asked(deployment), key=_place))


def node_subnets(deployment: Deployment) -> list[PrivateSubnet]:
    """Return the private subnets for nodes: all, or those that the settings name."""
    named = deployment.settings.network.node_subnet_ids
    return [each for each in private_subnets(deployment) if not named or each.id in named]


def node_zones(deployment: Deployment) -> list[str]:
    """Return the zones for nodes: the settings', or those of the VPC's subnets."""
    if deployment.settings.network.vpc_id:
        return sorted({each.zone for each in node_subnets(deployment)})
    return list(deployment.settings.zones)


def _place(subnet: PrivateSubnet) -> tuple[str, str]:
    return subnet.zone, subnet.id


def _asked(deployment: Deployment) -> Iterator[PrivateSubnet]:
    within = [{"Name": "vpc-id", "Values": [deployment.settings.network.vpc_id]}]
    tables = deployment.aws.pages("ec2", "describe_route_tables", "RouteTables", Filters=within)
    for row in deployment.aws.pages("ec2", "describe_subnets", "Subnets", Filters=within):
        table = _table_of(row["SubnetId"], tables)
        if _is_private(row, table.get("Routes", [])):
            yield _subnet(row, table)


def _table_of(subnet: str, tables: list[dict[str, Any]]) -> dict[str, Any]:
    """The route table of a subnet: its own or, without one, the VPC's main one."""
    own = [each for each in tables if subnet in _associated(each, "SubnetId")]
    return next(iter(own + [each for each in tables if True in _associated(each, "Main")]), {})


def _associated(table: dict[str, Any], key: str) -> list[Any]:
    return [each.get(key) for each in table.get("Associations", [])]


def _is_private(row: dict[str, Any], routes: list[dict[str, Any]]) -> bool:
    tagged = {tag["Key"]: tag["Value"] for tag in row.get("Tags", [])}.get(KIND_TAG)
    if tagged:
        return bool(tagged == "Private")
    public = any(str(each.get("GatewayId", "")).startswith("igw-") for each in routes)
    return not (row.get("MapPublicIpOnLaunch") or public) and any(_leaves(each) for each in routes)


def _leaves(route: dict[str, Any]) -> bool:
    """Whether a route sends everything to a NAT or transit gateway, whatever its state."""
    through = route.get("NatGatewayId") or route.get("TransitGatewayId")
    return bool(through) and route.get("DestinationCidrBlock") == _EVERYWHERE


def _subnet(row: dict[str, Any], table: dict[str, Any]) -> PrivateSubnet:
    routes = [each for each in table.get("Routes", []) if each.get("State") != "blackhole"]
    return PrivateSubnet(
        id=row["SubnetId"],
        zone=row["AvailabilityZone"],
        zone_id=row.get("AvailabilityZoneId", ""),
        free=row["AvailableIpAddressCount"],
        route_table=table.get("RouteTableId", ""),
        way_out=any(each.get("DestinationCidrBlock") == _EVERYWHERE for each in routes),
        # The only gateway endpoints besides S3's are DynamoDB's, which nothing here needs.
        # https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
        s3=any(str(each.get("GatewayId", "")).startswith("vpce-") for each in routes),
    )
