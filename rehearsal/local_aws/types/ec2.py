"""EC2 types that the emulator's CloudFormation lacks; its EC2 service has most of them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from rehearsal.local_aws import private
from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.provisioner import Made, Properties, ResourceType, Wanted

_LARGEST_PREFIX, _SMALLEST_PREFIX = 16, 28


def _make_address(wanted: Wanted) -> Made:
    made = client("ec2").allocate_address(Domain="vpc")
    return made["PublicIp"], {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}


def _release_address(physical_id: str, properties: Properties) -> None:
    ec2 = client("ec2")
    for each in ec2.describe_addresses()["Addresses"]:
        if each["PublicIp"] == physical_id:
            ec2.release_address(AllocationId=each["AllocationId"])


def _make_nat_gateway(wanted: Wanted) -> Made:
    asked = {"SubnetId": wanted.properties["SubnetId"]}
    references.subnets([asked["SubnetId"]])
    if wanted.properties.get("ConnectivityType", "public") == "public":
        asked["AllocationId"] = wanted.properties["AllocationId"]
        references.address(asked["AllocationId"])
    gateway: str = client("ec2").create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"]
    return gateway, {"NatGatewayId": gateway}


def _delete_nat_gateway(physical_id: str, properties: Properties) -> None:
    client("ec2").delete_nat_gateway(NatGatewayId=physical_id)


def _make_flow_log(wanted: Wanted) -> Made:
    asked = {name: value for name, value in wanted.properties.items() if name != "Tags"}
    resource = asked.pop("ResourceId")
    if asked["ResourceType"] == "VPC":
        references.vpc(resource)
    if "DeliverLogsPermissionArn" in asked:
        references.role(asked["DeliverLogsPermissionArn"])
    (flow_log,) = client("ec2").create_flow_logs(ResourceIds=[resource], **asked)["FlowLogIds"]
    return flow_log, {"Id": flow_log}


def _delete_flow_log(physical_id: str, properties: Properties) -> None:
    client("ec2").delete_flow_logs(FlowLogIds=[physical_id])


def _add_vpc_block(wanted: Wanted) -> Made:
    """A VPC's second address block, for which the emulator's EC2 has no call."""
    association = wanted.stable_id("vpc-cidr-assoc")
    name, block = wanted.properties["VpcId"], wanted.properties["CidrBlock"]
    references.vpc(name)
    vpc = private.VPCS.value[name]
    blocks: list[dict[str, Any]] = vpc.setdefault("CidrBlockAssociationSet", [])
    _check_block(block, [vpc["CidrBlock"], *(each["CidrBlock"] for each in blocks)])
    blocks.append({"AssociationId": association, "CidrBlock": block})
    return association, {"Id": association}


def _check_block(text: str, taken: list[str]) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#vpc-sizing-ipv4"""
    block = ip_network(text)
    if not _LARGEST_PREFIX <= block.prefixlen <= _SMALLEST_PREFIX:
        raise ValueError(f"The CIDR '{text}' is invalid: a VPC's are /16 to /28")
    if any(block.overlaps(ip_network(each)) for each in taken):
        raise ValueError(f"The CIDR '{text}' conflicts with another of the VPC")


def _remove_vpc_block(physical_id: str, properties: Properties) -> None:
    vpc = private.VPCS.value.get(properties["VpcId"], {})
    vpc["CidrBlockAssociationSet"] = [
        each
        for each in vpc.get("CidrBlockAssociationSet", [])
        if each["AssociationId"] != physical_id
    ]


def _make_placement_group(wanted: Wanted) -> Made:
    name = wanted.stable_id(f"{wanted.stack}-{wanted.logical_id}")
    strategy = wanted.properties["Strategy"]
    client("ec2").create_placement_group(GroupName=name, Strategy=strategy)
    return name, {"GroupName": name}


def _delete_placement_group(physical_id: str, properties: Properties) -> None:
    client("ec2").delete_placement_group(GroupName=physical_id)


def _make_rule(wanted: Wanted) -> Made:
    """A separate security group rule: only an id, because the emulator keeps rules in groups."""
    names = ("GroupId", "SourceSecurityGroupId", "DestinationSecurityGroupId")
    references.security_groups(
        wanted.properties[name] for name in names if name in wanted.properties
    )
    rule = wanted.stable_id("sgr")
    return rule, {"Id": rule}


_RULE = ResourceType(_make_rule)
TYPES = {
    "AWS::EC2::EIP": ResourceType(_make_address, _release_address),
    "AWS::EC2::NatGateway": ResourceType(_make_nat_gateway, _delete_nat_gateway),
    "AWS::EC2::FlowLog": ResourceType(_make_flow_log, _delete_flow_log),
    "AWS::EC2::VPCCidrBlock": ResourceType(_add_vpc_block, _remove_vpc_block),
    "AWS::EC2::PlacementGroup": ResourceType(_make_placement_group, _delete_placement_group),
    "AWS::EC2::SecurityGroupIngress": _RULE,
    "AWS::EC2::SecurityGroupEgress": _RULE,
}
