"""The VPC: addresses for nodes and pods, ways out, tags that controllers look for."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from aws_cdk.assertions import Match


def cidrs(deployment: Any) -> dict[str, str]:
    return {
        name: each["Properties"]["CidrBlock"]
        for name, each in deployment.resources("Network", "AWS::EC2::Subnet").items()
    }


def test_no_two_subnets_overlap_and_all_lie_in_the_vpcs_blocks(default: Any) -> None:
    blocks = [ipaddress.IPv4Network(cidr) for cidr in cidrs(default).values()]
    vpc = [ipaddress.IPv4Network(cidr) for cidr in ("10.1.0.0/21", "100.64.0.0/16")]
    assert len(blocks) == 6
    for index, block in enumerate(blocks):
        assert any(block.subnet_of(each) for each in vpc)
        assert not any(block.overlaps(other) for other in blocks[index + 1 :])


def test_nodes_and_pods_get_all_of_the_second_block_in_two_zones(default: Any) -> None:
    subnets = default.resources("Network", "AWS::EC2::Subnet").values()
    nodes = [
        each["Properties"]
        for each in subnets
        if each["Properties"]["CidrBlock"].startswith("100.64.")
    ]
    assert sorted(each["CidrBlock"] for each in nodes) == ["100.64.0.0/17", "100.64.128.0/17"]
    assert {each["AvailabilityZone"] for each in nodes} == {"us-west-2a", "us-west-2b"}
    assert not any(each.get("MapPublicIpOnLaunch") for each in nodes)


def test_node_subnets_wait_for_the_second_block(default: Any) -> None:
    (block,) = default.resources("Network", "AWS::EC2::VPCCidrBlock")
    for name, cidr in cidrs(default).items():
        if cidr.startswith("100.64."):
            subnet = default.resources("Network", "AWS::EC2::Subnet")[name]
            assert block in subnet["DependsOn"]


def test_every_private_subnet_reaches_the_internet_through_nat(default: Any) -> None:
    routes = [
        each["Properties"] for each in default.resources("Network", "AWS::EC2::Route").values()
    ]
    through_nat = [route for route in routes if "NatGatewayId" in route]
    through_internet_gateway = [route for route in routes if "GatewayId" in route]
    assert len(through_nat) == 4
    assert len(through_internet_gateway) == 2


@pytest.mark.parametrize(("setting", "gateways"), [("one", 1), ("per-zone", 2)])
def test_nat_gateways_by_setting(synth: Any, setting: str, gateways: int) -> None:
    deployment = synth(**{"network.nat_gateways": setting})
    deployment.template("Network").resource_count_is("AWS::EC2::NatGateway", gateways)
    routes = deployment.resources("Network", "AWS::EC2::Route").values()
    targets = {
        str(route["Properties"]["NatGatewayId"])
        for route in routes
        if "NatGatewayId" in route["Properties"]
    }
    assert len(targets) == gateways


def test_s3_is_reached_without_nat_from_all_private_subnets(default: Any) -> None:
    (endpoint,) = default.resources("Network", "AWS::EC2::VPCEndpoint").values()
    assert endpoint["Properties"]["VpcEndpointType"] == "Gateway"
    assert len(endpoint["Properties"]["RouteTableIds"]) == 4


@pytest.mark.parametrize(
    ("tag", "count"), [("kubernetes.io/role/elb", 2), ("kubernetes.io/role/internal-elb", 2)]
)
def test_subnets_are_tagged_for_load_balancers(default: Any, tag: str, count: int) -> None:
    tagged = [
        each
        for each in default.resources("Network", "AWS::EC2::Subnet").values()
        if {"Key": tag, "Value": "1"} in each["Properties"]["Tags"]
    ]
    assert len(tagged) == count


def test_flow_logs_go_to_a_group_that_the_stack_removes(default: Any) -> None:
    template = default.template("Network")
    template.has_resource_properties("AWS::EC2::FlowLog", {"TrafficType": "ALL"})
    template.has_resource(
        "AWS::Logs::LogGroup",
        {"DeletionPolicy": "Delete", "Properties": {"RetentionInDays": 30}},
    )


def test_another_block_is_cut_the_same_way(synth: Any) -> None:
    deployment = synth(**{"network.vpc_cidr": "172.20.0.0/20", "network.pod_cidr": "100.80.0.0/18"})
    deployment.template("Network").has_resource_properties(
        "AWS::EC2::VPC", {"CidrBlock": "172.20.0.0/20", "EnableDnsHostnames": True}
    )
    deployment.template("Network").has_resource_properties(
        "AWS::EC2::Subnet", {"CidrBlock": Match.string_like_regexp(r"^100\.80\.32\.0/19$")}
    )
