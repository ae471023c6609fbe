"""Settings of group `network`."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.forms import (
    RESOURCE_ID,
    Form,
    Group,
    RetentionDays,
    SubnetId,
    VpcBlock,
    Zone,
    ip_block,
)
from bionemo_eks.configuration.ip_blocks import may_be_a_vpcs, restricted


class NetworkSettings(Group):
    """Where nodes and pods run."""

    vpc_id: Annotated[
        str,
        StringConstraints(pattern=rf"^(vpc-{RESOURCE_ID})?$"),
        Form("a VPC's ID, such as vpc-0123456789abcdef0, or empty"),
    ] = Field(
        default="",
        description="ID of an existing VPC to use. Empty: the deployment creates its own. CDK "
        "looks it up in the account, so synth needs AWS credentials.",
    )
    node_subnet_ids: list[SubnetId] = Field(
        default=[],
        description="With `vpc_id`: the subnets for nodes and pods. Empty: all private subnets of "
        "that VPC with a route to the internet.",
    )
    vpc_cidr: VpcBlock = Field(default="10.1.0.0/21", description="The VPC's primary CIDR block.")
    pod_cidr: VpcBlock = Field(
        default="100.64.0.0/16", description="Secondary CIDR block, for nodes and pods."
    )
    availability_zones: list[Zone] = Field(
        default=[],
        max_length=2,
        description="The two zones to use. Empty: zones a and b of the region. With `vpc_id` only "
        "the first counts: the GPU nodes' zone, unless `gpu.availability_zone` is set.",
    )
    nat_gateways: Literal["one", "per-zone"] = Field(
        default="one",
        description="`one` NAT gateway for the VPC, or one `per-zone`, which survives the loss of "
        "a zone.",
    )
    flow_log_days: RetentionDays = Field(default=30, description="Days to keep the VPC flow logs.")

    @field_validator("vpc_cidr", "pod_cidr")
    @classmethod
    def _is_a_block(cls, value: str) -> str:
        block = ip_block(value)
        if block.version != 4 or not 16 <= block.prefixlen <= 22:
            raise refused("not in the allowed format")
        if not may_be_a_vpcs(ipaddress.IPv4Network(block)):
            raise refused("EC2 accepts no loopback, link-local or multicast addresses for a VPC")
        return str(block)

    @model_validator(mode="after")
    def _blocks_are_apart(self) -> Self:
        first, second = (ipaddress.IPv4Network(each) for each in (self.vpc_cidr, self.pod_cidr))
        if first.overlaps(second):
            raise refused(f"vpc_cidr {first} and pod_cidr {second} overlap", "vpc_cidr", "pod_cidr")
        taken = restricted(first, second)
        if taken:
            raise refused(
                f"pod_cidr {second} is in {taken}, which AWS does not accept as secondary block of "
                f"a VPC with {first}; 100.64.0.0/10 works with every VPC",
                "pod_cidr",
            )
        if self.node_subnet_ids and not self.vpc_id:
            raise refused(
                "node_subnet_ids needs vpc_id, which is empty", "vpc_id", "node_subnet_ids"
            )
        if len(set(self.node_subnet_ids)) < len(self.node_subnet_ids):
            raise refused("node_subnet_ids lists a subnet twice", "node_subnet_ids")
        if len(set(self.availability_zones)) == 1 and not self.vpc_id:
            raise refused(
                "availability_zones must name two different zones, or none", "availability_zones"
            )
        return self
