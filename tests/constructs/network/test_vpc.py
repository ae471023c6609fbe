"""The VPC: addresses for nodes and pods, routes to the internet, tags that controllers look for."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.network.vpc import Network, Subnets
from tests.constructs.bare import SUBNETS, ZONES, bare_stack, only, some_vpc

VPC, PODS = "10.1.0.0/21", "100.64.0.0/16"
THREE = (*ZONES, "us-west-2c")


@cache
def network(zones: tuple[str, ...] = ZONES, nat_gateways: int = 1) -> Template:
    stack = bare_stack()
    Network(
        stack,
        "Network",
        vpc_cidr=VPC,
        pod_cidr=PODS,
        zones=zones,
        nat_gateways=nat_gateways,
        flow_log_days=30,
    )
    return Template.from_stack(stack)


def subnets(template: Template, block: str = "0.0.0.0/0") -> dict[str, dict[str, Any]]:
    """Return the subnets inside `block`, by logical id."""
    return {
        name: dict(each["Properties"])
        for name, each in template.find_resources("AWS::EC2::Subnet").items()
        if IPv4Network(each["Properties"]["CidrBlock"]).subnet_of(IPv4Network(block))
    }


def gateways(template: Template, kind: str) -> dict[str, str]:
    """Return the gateway of `kind` that each subnet's default route leads to."""
    routes = {
        each["Properties"]["RouteTableId"]["Ref"]: str(each["Properties"].get(kind))
        for each in template.find_resources("AWS::EC2::Route").values()
        if each["Properties"]["DestinationCidrBlock"] == "0.0.0.0/0" and kind in each["Properties"]
    }
    tables = {
        each["Properties"]["SubnetId"]["Ref"]: each["Properties"]["RouteTableId"]["Ref"]
        for each in template.find_resources("AWS::EC2::SubnetRouteTableAssociation").values()
    }
    return {subnet: routes[table] for subnet, table in tables.items() if table in routes}


@pytest.mark.parametrize("zones", [ZONES, THREE], ids=len)
def test_no_two_subnets_overlap_and_all_lie_in_the_vpcs_blocks(zones: tuple[str, ...]) -> None:
    blocks = [IPv4Network(each["CidrBlock"]) for each in subnets(network(zones)).values()]
    assert len(blocks) == 3 * len(zones)
    for index, block in enumerate(blocks):
        assert block.subnet_of(IPv4Network(VPC)) or block.subnet_of(IPv4Network(PODS))
        assert not any(block.overlaps(other) for other in blocks[index + 1 :])


@pytest.mark.parametrize("zones", [ZONES, THREE], ids=len)
def test_nodes_and_pods_have_thousands_of_addresses_in_each_zone(zones: tuple[str, ...]) -> None:
    nodes = subnets(network(zones), PODS).values()
    assert sorted(each["AvailabilityZone"] for each in nodes) == list(zones)
    assert all(IPv4Network(each["CidrBlock"]).num_addresses >= 2**14 for each in nodes)
    assert not any(each.get("MapPublicIpOnLaunch") for each in nodes)


def test_two_zones_use_up_the_second_block() -> None:
    blocks = {each["CidrBlock"] for each in subnets(network(), PODS).values()}
    assert blocks == {"100.64.0.0/17", "100.64.128.0/17"}


def test_node_subnets_wait_for_the_second_block() -> None:
    (block,) = network().find_resources("AWS::EC2::VPCCidrBlock")
    for name in subnets(network(), PODS):
        assert block in network().to_json()["Resources"][name]["DependsOn"]


@pytest.mark.parametrize("number", [1, 2])
def test_every_private_subnet_reaches_the_internet_through_nat(number: int) -> None:
    template = network(nat_gateways=number)
    template.resource_count_is("AWS::EC2::NatGateway", number)
    through_nat, directly = gateways(template, "NatGatewayId"), gateways(template, "GatewayId")
    assert len(through_nat) == 4
    assert len(set(through_nat.values())) == number
    assert set(subnets(template, PODS)) <= set(through_nat)
    assert len(directly) == 2
    assert not set(directly) & set(through_nat)


def test_with_a_gateway_per_zone_none_depends_on_another_zone() -> None:
    """Traffic between zones costs, and a zone's failure would reach the other's nodes."""
    template = network(nat_gateways=2)
    found = gateways(template, "NatGatewayId")
    zones_of: dict[str, set[str]] = {}
    for name, gateway in found.items():
        zones_of.setdefault(gateway, set()).add(subnets(template)[name]["AvailabilityZone"])
    assert sorted(map(sorted, zones_of.values())) == [[zone] for zone in ZONES]


def test_s3_is_reached_without_nat_from_all_private_subnets() -> None:
    endpoint = only(network(), "AWS::EC2::VPCEndpoint")
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert len({each["Ref"] for each in endpoint["RouteTableIds"]}) == 4


@pytest.mark.parametrize("tag", ["kubernetes.io/role/elb", "kubernetes.io/role/internal-elb"])
def test_load_balancers_find_a_subnet_in_each_zone(tag: str) -> None:
    """Public load balancers find public subnets, internal ones the others."""
    tagged = {
        name: each["AvailabilityZone"]
        for name, each in subnets(network(), VPC).items()
        if {"Key": tag, "Value": "1"} in each["Tags"]
    }
    assert sorted(tagged.values()) == list(ZONES)
    public = set(gateways(network(), "GatewayId"))
    assert set(tagged) & public == (set(tagged) if tag.endswith("/elb") else set())


def test_flow_logs_go_to_a_group_that_the_stack_removes() -> None:
    network().has_resource_properties("AWS::EC2::FlowLog", {"TrafficType": "ALL"})
    network().has_resource(
        "AWS::Logs::LogGroup",
        {"DeletionPolicy": "Delete", "Properties": {"RetentionInDays": 30}},
    )


def parts(known: bool = True) -> Subnets:
    vpc = some_vpc(bare_stack())
    return Subnets(
        vpc=vpc,
        routable=vpc.private_subnets,
        nodes=vpc.private_subnets[1:],
        node_cidrs=["10.0.0.0/8"],
        known=known,
    )


def test_a_subnet_is_found_by_its_zone() -> None:
    assert parts().routable_in("us-west-2a").subnet_id == SUBNETS[0]
    assert parts().nodes_in("us-west-2b").subnet_id == SUBNETS[1]


def test_a_zone_without_subnet_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(SettingsError, match=r"'gpu.availability_zone'.*'us-west-2a'.*us-west-2b"):
        parts().nodes_in("us-west-2a")


def test_before_the_vpc_is_looked_up_any_zone_will_do() -> None:
    assert parts(known=False).nodes_in("us-west-2a").subnet_id == SUBNETS[1]


def test_subnets_of_an_existing_vpc_are_named_by_id_and_new_ones_by_zone() -> None:
    """So that a node group is replaced if its subnets change, and not at each synth."""
    assert Subnets.names(parts().routable) == list(SUBNETS)
    stack = bare_stack()
    new = ec2.PrivateSubnet(
        stack, "New", vpc_id="vpc-1", availability_zone="us-west-2c", cidr_block="10.0.0.0/24"
    )
    assert Subnets.names([new]) == ["us-west-2c"]
