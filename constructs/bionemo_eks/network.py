"""The VPC: its own, or one that is there already."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import RemovalPolicy, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from bionemo_eks.retention import retention
from bionemo_eks.settings_reader import SettingsError

# The subnet masks relative to the VPC's: /24 private and /26 public in a /21, as in 2024.
PRIVATE_BITS, PUBLIC_BITS = 3, 5


@dataclass(frozen=True)
class Subnets:
    """The parts of a VPC that the other stacks need.

    `routable` holds the network interfaces of EKS, the kubectl provider and the file system;
    `nodes`, one a zone, the nodes and pods, whose address blocks are `node_cidrs`.
    """

    vpc: ec2.IVpc
    routable: Sequence[ec2.ISubnet]
    nodes: Sequence[ec2.ISubnet]
    node_cidrs: Sequence[str]


def subnet_in(zone: str, subnets: Sequence[ec2.ISubnet]) -> ec2.ISubnet:
    """Return the first of `subnets` in `zone`; SettingsError when there is none."""
    for subnet in subnets:
        if subnet.availability_zone == zone:
            return subnet
    raise SettingsError(
        f"Setting 'gpu.availability_zone' asks for zone '{zone}', in which the VPC has no private "
        f"subnet to use; it has them in {', '.join(each.availability_zone for each in subnets)}.\n"
        "  Name one of these, or other subnets in network.node_subnet_ids."
    )


class Network(Construct):
    """A VPC with public, routable private and large node subnets in each zone.

    Nodes and pods live in `pod_cidr`, carrier-grade NAT space by default, so that thousands of
    pod addresses cost no routable ones:
    https://docs.aws.amazon.com/eks/latest/best-practices/ip-opt.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc_cidr: str,
        pod_cidr: str,
        zones: Sequence[str],
        nat_gateways: int,
        flow_log_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._nat = ec2.NatProvider.gateway()
        prefix = ipaddress.ip_network(vpc_cidr).prefixlen
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(vpc_cidr),
            availability_zones=list(zones),
            nat_gateways=nat_gateways,
            nat_gateway_provider=self._nat,
            # Nothing here uses the default security group; restricting it takes a Lambda function.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Private",
                    subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS,
                    cidr_mask=prefix + PRIVATE_BITS,
                ),
                ec2.SubnetConfiguration(
                    name="Public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=prefix + PUBLIC_BITS,
                    map_public_ip_on_launch=False,
                ),
            ],
        )
        self._tag_for_load_balancers()
        self.node_cidrs = _halves(pod_cidr, len(zones))
        self.node_subnets = self._add_node_subnets(pod_cidr, zones)
        self._add_s3_endpoint()
        self._add_flow_logs(flow_log_days)

    @property
    def subnets(self) -> Subnets:
        """What the other stacks need to know."""
        return Subnets(
            vpc=self.vpc,
            routable=self.vpc.private_subnets,
            nodes=self.node_subnets,
            node_cidrs=self.node_cidrs,
        )

    def _tag_for_load_balancers(self) -> None:
        # https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html
        for subnet in self.vpc.public_subnets:
            Tags.of(subnet).add("kubernetes.io/role/elb", "1")
        for subnet in self.vpc.private_subnets:
            Tags.of(subnet).add("kubernetes.io/role/internal-elb", "1")

    def _add_node_subnets(self, pod_cidr: str, zones: Sequence[str]) -> list[ec2.PrivateSubnet]:
        block = ec2.CfnVPCCidrBlock(self, "PodCidr", vpc_id=self.vpc.vpc_id, cidr_block=pod_cidr)
        gateways = {each.az: each.gateway_id for each in self._nat.configured_gateways}
        subnets = []
        for number, (zone, cidr) in enumerate(zip(zones, self.node_cidrs, strict=True), start=1):
            subnet = ec2.PrivateSubnet(
                self,
                f"NodeSubnet{number}",
                vpc_id=self.vpc.vpc_id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
            )
            subnet.node.add_dependency(block)
            subnet.add_default_nat_route(gateways.get(zone, next(iter(gateways.values()))))
            subnets.append(subnet)
        return subnets

    def _add_s3_endpoint(self) -> None:
        """Keep image layers (ECR stores them in S3) and data off the NAT gateway's bill."""
        self.vpc.add_gateway_endpoint(
            "S3",
            service=ec2.GatewayVpcEndpointAwsService.S3,
            subnets=[
                ec2.SubnetSelection(subnets=self.vpc.private_subnets),
                ec2.SubnetSelection(subnets=list(self.node_subnets)),
            ],
        )

    def _add_flow_logs(self, days: int) -> None:
        group = logs.LogGroup(
            self,
            "FlowLogs",
            retention=retention(days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group)
        )


def existing_subnets(
    scope: Construct, construct_id: str, *, vpc_id: str, node_subnet_ids: Sequence[str]
) -> Subnets:
    """Look up an existing VPC: its private subnets, or those named, hold nodes and pods.

    CDK asks the account for the VPC at synth and keeps the answer in cdk.context.json.
    """
    vpc = ec2.Vpc.from_lookup(scope, construct_id, vpc_id=vpc_id)
    private = vpc.private_subnets
    nodes = [each for each in private if not node_subnet_ids or each.subnet_id in node_subnet_ids]
    if node_subnet_ids and len(nodes) != len(node_subnet_ids):
        known = ", ".join(each.subnet_id for each in private)
        raise SettingsError(
            f"Setting 'network.node_subnet_ids' is {list(node_subnet_ids)}, but the private "
            f"subnets of {vpc_id} are {known}."
        )
    return Subnets(
        vpc=vpc,
        routable=private,
        nodes=nodes,
        node_cidrs=[each.ipv4_cidr_block for each in nodes],
    )


def _halves(cidr: str, parts: int) -> list[str]:
    """Cut `cidr` into as few equal power-of-two pieces as give `parts` of them."""
    network = ipaddress.ip_network(cidr)
    return [str(each) for each in network.subnets(prefixlen_diff=(parts - 1).bit_length())][:parts]
