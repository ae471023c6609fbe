"""The VPC that the settings name: does it exist, and does it offer what nodes need?

EKS's requirements: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
"""

from __future__ import annotations

from math import ceil

from bionemo_eks.configuration.instance_types import InstanceType
from ops.aws import Deployment
from ops.preflight.standing import holds
from ops.preflight.vpc_subnets import PrivateSubnet, node_subnets, private_subnets
from ops.results import Result, command, failed, passed, warned

# Addresses that EKS needs free in each of its subnets.
_OF_EKS = 6
_DNS = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}
_OPTIONS = {
    "enableDnsSupport": "--enable-dns-support",
    "enableDnsHostnames": "--enable-dns-hostnames",
}


def vpc(deployment: Deployment) -> Result:
    """Whether the given VPC exists, with DNS turned on, which nodes need to join the cluster."""
    name, wanted = "VPC", deployment.settings.network.vpc_id
    region = deployment.settings.region
    listed = deployment.aws.pages(
        "ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "vpc-id", "Values": [wanted]}]
    )
    if not listed:
        return failed(
            name,
            f"{wanted} is not in {region} of this account",
            "Check network.vpc_id and region",
        )
    client = deployment.aws.client("ec2")
    off = [
        attribute
        for attribute, key in _DNS.items()
        if not client.describe_vpc_attribute(VpcId=wanted, Attribute=attribute)[key]["Value"]
    ]
    if off:
        change = f"aws ec2 modify-vpc-attribute --region {region} --vpc-id {wanted}"
        return failed(
            name,
            f"{wanted} has {' and '.join(off)} turned off, so nodes could not join the cluster",
            # One attribute per call.
            *(command(f"{change} {_OPTIONS[each]} '{{\"Value\": true}}'") for each in off),
        )
    return passed(name, f"{wanted}, {listed[0]['CidrBlock']}")


def subnets(deployment: Deployment) -> Result:
    """Whether there are private subnets in two zones, and those that the settings name."""
    name, network = "VPC subnets", deployment.settings.network
    private = private_subnets(deployment)
    there = ", ".join(f"{each.id} ({each.zone})" for each in private) or "none"
    missing = set(network.node_subnet_ids) - {each.id for each in private}
    if missing:
        return failed(
            name,
            f"network.node_subnet_ids names {', '.join(sorted(missing))}; the VPC's subnets with a "
            f"route out through NAT are {there}",
            "Name some of those, or none to use all of them",
        )
    if len({each.zone for each in private}) < 2:
        return failed(
            name,
            f"EKS needs subnets in two zones; the VPC's with a route out through NAT are {there}",
            "Add a private subnet in a second zone, or choose another VPC",
        )
    return passed(name, there)


def addresses(deployment: Deployment) -> Result:
    """Whether the subnets have addresses for the control plane and for newly started nodes.

    The VPC CNI keeps one spare network interface per node besides the one in use, each with all of
    its addresses: https://docs.aws.amazon.com/eks/latest/best-practices/vpc-cni.html
    """
    name, settings = "VPC addresses", deployment.settings
    if holds(deployment, "Cluster"):
        return passed(name, "the deployment's cluster already has its addresses")
    subnets, wrong = node_subnets(deployment), []
    zones = max(len({each.zone for each in subnets}), 1)
    core = ceil(settings.core.nodes / zones) * _taken(settings.core_instance)
    gpu = settings.gpu.nodes * _taken(settings.gpu_instance)
    for each in private_subnets(deployment):
        needed = _OF_EKS
        if each in subnets:
            needed += core + (gpu if each.zone == settings.gpu_zone else 0)
        if each.free < needed:
            wrong.append(f"{each.id} ({each.zone}) has {each.free:,} free of {needed:,} needed")
    if wrong:
        return failed(
            name,
            f"{'; '.join(wrong)} by the control plane, {settings.core.nodes} core nodes and "
            f"{settings.gpu.nodes} GPU nodes",
            "Name larger subnets in network.node_subnet_ids, or add a CIDR block to the VPC",
        )
    least = min((each.free for each in subnets), default=0)
    return passed(name, f"at least {least:,} free in each subnet for nodes")


def _taken(instance: InstanceType) -> int:
    """Addresses that a node takes at startup: one interface in use and one spare."""
    return min(2, instance.network_cards[0].interfaces) * instance.addresses_per_interface


def routes(deployment: Deployment) -> Result:
    """Whether the nodes' route out works, and whether traffic to S3 bypasses NAT."""
    name, subnets = "VPC routes", node_subnets(deployment)
    shut = [each for each in subnets if not each.way_out]
    if shut:
        return failed(
            name,
            f"there is no way out of {_named(shut)}: the NAT or transit gateway of its route to "
            "0.0.0.0/0 is gone, so nodes could not pull images",
            "Recreate the route, or name other subnets in network.node_subnet_ids",
        )
    paid = [each for each in subnets if not each.s3]
    if paid:
        region, vpc_id = deployment.settings.region, deployment.settings.network.vpc_id
        tables = " ".join(dict.fromkeys(each.route_table for each in paid))
        return warned(
            name,
            f"from {_named(paid)} data and image layers go to S3 through NAT, which is billed per "
            "gigabyte; a gateway endpoint is free of charge:",
            command(
                f"aws ec2 create-vpc-endpoint --region {region} --vpc-id {vpc_id} "
                f"--service-name com.amazonaws.{region}.s3 --route-table-ids {tables}"
            ),
        )
    return passed(name, "out through NAT, to S3 through its gateway endpoint")


def _named(subnets: list[PrivateSubnet]) -> str:
    return ", ".join(f"{each.id} ({each.zone})" for each in subnets)
