"""The VPC: the deployment's own, or an existing one."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Acknowledgment, Stack, Tags, Token, Validations
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from bionemo_eks.configuration.groups.network import NetworkSettings
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.logs.log_group import log_group

# Subnet masks relative to the VPC's: in a /21, /24 private and /26 public, as in the blueprint.
PRIVATE_BITS, PUBLIC_BITS = 3, 5
# What synth finds wrong with CDK's stand-in for a VPC that it has not looked up yet.
_OF_THE_STAND_IN = ("E1151", "E1154", "F3031")


@dataclass(frozen=True)
class Subnets:
    """The parts of a VPC that the other stacks need.

    `routable` is for the network interfaces of EKS, the kubectl provider and the file system;
    `nodes`, one per zone, for the nodes and pods, whose CIDR blocks are `node_cidrs`. `known` is
    False until CDK has looked the VPC up: until then all values are stand-ins.
    """

    vpc: ec2.IVpc
    routable: Sequence[ec2.ISubnet]
    nodes: Sequence[ec2.ISubnet]
    node_cidrs: Sequence[str]
    known: bool = True

    def routable_in(self, zone: str) -> ec2.ISubnet:
        """Return the routable subnet in `zone`; SettingsError if there is none."""
        return self._in(zone, self.routable, "Choose one of these.")

    def nodes_in(self, zone: str) -> ec2.ISubnet:
        """Return the subnet for nodes in `zone`; SettingsError if there is none."""
        remedy = "Choose one of these, or other subnets in network.node_subnet_ids."
        return self._in(zone, self.nodes, remedy)

    @staticmethod
    def names(subnets: Sequence[ec2.ISubnet]) -> list[str]:
        """Return what identifies `subnets` at synth: the id if it is known, else the zone."""
        return [
            each.availability_zone if Token.is_unresolved(each.subnet_id) else each.subnet_id
            for each in subnets
        ]

    def _in(self, zone: str, subnets: Sequence[ec2.ISubnet], remedy: str) -> ec2.ISubnet:
        for subnet in subnets:
            if subnet.availability_zone == zone or not self.known:
                return subnet
        raise _not_in(zone, subnets, remedy)


def _not_in(zone: str, subnets: Sequence[ec2.ISubnet], remedy: str) -> SettingsError:
    return SettingsError(
        f"Setting 'gpu.availability_zone' asks for zone '{zone}', where the VPC has no usable "
        f"private subnet; it has some in {', '.join(each.availability_zone for each in subnets)}.\n"
        f"  {remedy}"
    )


class Network(Construct):
    """A VPC with public, routable private and large node subnets in each zone.

    Nodes and pods are in `pod_cidr`, carrier-grade NAT space by default, so that thousands of pod
    addresses use up no routable ones:
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
            # Nothing here uses the default security group; restricting it needs a Lambda function.
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
        """What the other stacks need."""
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
        group = log_group(self, "FlowLogs", days=days)
        self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group)
        )


def existing_subnets(scope: Construct, network: NetworkSettings) -> Subnets:
    """Look up the existing VPC of `network`: its private subnets, or those named, are for nodes.

    CDK's command line runs the app twice: first with a stand-in, so that the app gets as far as
    requesting the lookup; then with the account's answer, kept in cdk.context.json. Source:
    https://docs.aws.amazon.com/cdk/v2/guide/context.html
    Raises SettingsError if the account is unknown or the VPC has no such subnets.
    """
    vpc_id, node_subnet_ids = network.vpc_id, network.node_subnet_ids
    if Token.is_unresolved(Stack.of(scope).account):
        raise SettingsError(
            f"Setting 'network.vpc_id' is \"{vpc_id}\": CDK must look that VPC up, but has no "
            "account to ask.\n  Log in first (aws sso login, AWS_PROFILE), and use the CDK command "
            "line: npx cdk synth."
        )
    vpc = ec2.Vpc.from_lookup(scope, "Vpc", vpc_id=vpc_id)
    if vpc.vpc_id != vpc_id:
        return _stand_in(scope, vpc)
    private = vpc.private_subnets
    nodes = [each for each in private if not node_subnet_ids or each.subnet_id in node_subnet_ids]
    if not private or (node_subnet_ids and len(nodes) != len(node_subnet_ids)):
        known = ", ".join(f"{each.subnet_id} ({each.availability_zone})" for each in private)
        raise SettingsError(
            f"Setting 'network.node_subnet_ids' is {node_subnet_ids}, but the private "
            f"subnets of {vpc_id}, those with a route to NAT, are: {known or 'none'}."
        )
    if len({each.availability_zone for each in private}) < 2:
        # https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
        raise SettingsError(
            f"Setting 'network.vpc_id' is \"{vpc_id}\": EKS needs private subnets in two "
            f"zones, but all of that VPC's are in {private[0].availability_zone}."
        )
    return Subnets(
        vpc=vpc,
        routable=private,
        nodes=nodes,
        node_cidrs=[each.ipv4_cidr_block for each in nodes],
    )


def _stand_in(scope: Construct, vpc: ec2.IVpc) -> Subnets:
    """Return stand-ins for the first run of the app; none of it is ever deployed."""
    Validations.of(scope).acknowledge(
        *(
            Acknowledgment(
                id=f"CloudFormation-Validate::{rule}", reason="CDK has yet to look the VPC up."
            )
            for rule in _OF_THE_STAND_IN
        )
    )
    private = vpc.private_subnets
    return Subnets(vpc=vpc, routable=private, nodes=private, node_cidrs=["10.0.0.0/8"], known=False)


def _halves(cidr: str, parts: int) -> list[str]:
    """Split `cidr` into the fewest equal power-of-two pieces for `parts` of them."""
    network = ipaddress.ip_network(cidr)
    return [str(each) for each in network.subnets(prefixlen_diff=(parts - 1).bit_length())][:parts]
