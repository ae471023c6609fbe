"""EC2 types that the emulator's CloudFormation lacks; its EC2 service has most of them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from ministack.services import ec2

from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.handlers import (
    Made,
    Properties,
    answered,
    first,
    replaced_when_changed,
    stable_id,
)

_LARGEST_PREFIX, _SMALLEST_PREFIX = 16, 28


def _make_address(logical_id: str, properties: Properties, stack: str) -> Made:
    text = answered(ec2._allocate_address({"Domain": "vpc"}))
    allocation = first(r"<allocationId>([^<]+)", text)
    address = first(r"<publicIp>([^<]+)", text)
    return address, {"AllocationId": allocation, "PublicIp": address}


def _release_address(physical_id: str, properties: Properties) -> None:
    for allocation, address in list(ec2._addresses.items()):
        if address["PublicIp"] == physical_id:
            ec2._release_address({"AllocationId": allocation})


def _make_nat_gateway(logical_id: str, properties: Properties, stack: str) -> Made:
    references.subnets([properties["SubnetId"]])
    if properties.get("ConnectivityType", "public") == "public":
        references.address(properties["AllocationId"])
    text = answered(ec2._create_nat_gateway(properties))
    gateway = first(r"<natGatewayId>([^<]+)", text)
    return gateway, {"NatGatewayId": gateway}


def _delete_nat_gateway(physical_id: str, properties: Properties) -> None:
    ec2._delete_nat_gateway({"NatGatewayId": physical_id})
    # AWS lists a deleted gateway for an hour; what is left is asked for at once.
    ec2._nat_gateways.pop(physical_id, None)


def _make_flow_log(logical_id: str, properties: Properties, stack: str) -> Made:
    if properties["ResourceType"] == "VPC":
        references.vpc(properties["ResourceId"])
    if "DeliverLogsPermissionArn" in properties:
        references.role(properties["DeliverLogsPermissionArn"])
    asked = {**properties, "ResourceId.1": properties["ResourceId"]}
    flow_log = first(r"<item>(fl-[^<]+)", answered(ec2._create_flow_logs(asked)))
    return flow_log, {"Id": flow_log}


def _delete_flow_log(physical_id: str, properties: Properties) -> None:
    ec2._flow_logs.pop(physical_id, None)


def _add_vpc_block(logical_id: str, properties: Properties, stack: str) -> Made:
    association = stable_id("vpc-cidr-assoc", stack, logical_id)
    references.vpc(properties["VpcId"])
    vpc = ec2._vpcs[properties["VpcId"]]
    blocks: list[dict[str, Any]] = vpc.setdefault("CidrBlockAssociationSet", [])
    _check_block(properties["CidrBlock"], [vpc["CidrBlock"], *(b["CidrBlock"] for b in blocks)])
    blocks.append({"AssociationId": association, "CidrBlock": properties["CidrBlock"]})
    return association, {"Id": association}


def _check_block(text: str, taken: list[str]) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#vpc-sizing-ipv4"""
    block = ip_network(text)
    if not _LARGEST_PREFIX <= block.prefixlen <= _SMALLEST_PREFIX:
        raise ValueError(f"The CIDR '{text}' is invalid: a VPC's are /16 to /28")
    if any(block.overlaps(ip_network(each)) for each in taken):
        raise ValueError(f"The CIDR '{text}' conflicts with another of the VPC")


def _remove_vpc_block(physical_id: str, properties: Properties) -> None:
    vpc = ec2._vpcs.get(properties["VpcId"], {})
    vpc["CidrBlockAssociationSet"] = [
        each
        for each in vpc.get("CidrBlockAssociationSet", [])
        if each["AssociationId"] != physical_id
    ]


def _make_placement_group(logical_id: str, properties: Properties, stack: str) -> Made:
    name = stable_id(f"{stack}-{logical_id}", stack, logical_id)
    answered(ec2._create_placement_group({"GroupName": name, "Strategy": properties["Strategy"]}))
    return name, {"GroupName": name}


def _delete_placement_group(physical_id: str, properties: Properties) -> None:
    ec2._delete_placement_group({"GroupName": physical_id})


def _make_rule(logical_id: str, properties: Properties, stack: str) -> Made:
    """A security group rule of its own; the emulator keeps rules with the group, so only an id."""
    names = ("GroupId", "SourceSecurityGroupId", "DestinationSecurityGroupId")
    references.security_groups(properties[name] for name in names if name in properties)
    rule = stable_id("sgr", stack, logical_id)
    return rule, {"Id": rule}


def _delete_rule(physical_id: str, properties: Properties) -> None:
    """Nothing is kept, so nothing goes."""


HANDLERS = {
    "AWS::EC2::EIP": replaced_when_changed(_make_address, _release_address),
    "AWS::EC2::NatGateway": replaced_when_changed(_make_nat_gateway, _delete_nat_gateway),
    "AWS::EC2::FlowLog": replaced_when_changed(_make_flow_log, _delete_flow_log),
    "AWS::EC2::VPCCidrBlock": replaced_when_changed(_add_vpc_block, _remove_vpc_block),
    "AWS::EC2::PlacementGroup": replaced_when_changed(
        _make_placement_group, _delete_placement_group
    ),
    "AWS::EC2::SecurityGroupIngress": replaced_when_changed(_make_rule, _delete_rule),
    "AWS::EC2::SecurityGroupEgress": replaced_when_changed(_make_rule, _delete_rule),
}
