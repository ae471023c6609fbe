"""What is left of the network: above all what blocks the deletion of a VPC."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from ops.aws import Deployment
from ops.leftovers.model import Leftover, ours, stack_in, stack_that_named, tags_of
from ops.price_table import ADDRESS_HOUR, NAT_HOUR
from ops.reasons import code_of

_ENDED = {"deleted", "deleting"}
# The limit of names in one DescribeTags call for load balancers.
_AT_A_TIME = 20
# Its error code for a load balancer that does not exist, old or new:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html
_GONE = "LoadBalancerNotFound"
# Lambda creates its interfaces untagged, and may take a while to delete them:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
_OF_LAMBDA = "AWS Lambda VPC ENI-"


def _own_vpcs(deployment: Deployment) -> list[dict[str, Any]]:
    def ask() -> list[dict[str, Any]]:
        return deployment.aws.pages("ec2", "describe_vpcs", "Vpcs")

    listed = deployment.once("VPCs", ask)
    return [each for each in listed if ours(deployment, tags_of(each))]


def _within(deployment: Deployment, item: dict[str, Any]) -> bool:
    """Whether something is in a VPC with the deployment's tag: then it is ours, too."""
    return item.get("VpcId") in {each["VpcId"] for each in _own_vpcs(deployment)}


def vpcs_left(deployment: Deployment) -> Iterable[Leftover]:
    """VPCs, which `cdk destroy` deletes once they are empty."""
    for item in _own_vpcs(deployment):
        note = "counts against the quota; npx cdk destroy --all"
        yield Leftover("VPCs", item["VpcId"], note, stack="Network")


def interfaces(deployment: Deployment) -> Iterable[Leftover]:
    """Network interfaces; also untagged ones in our VPC, such as a function's."""
    ec2 = deployment.aws.client("ec2")
    for item in deployment.aws.pages("ec2", "describe_network_interfaces", "NetworkInterfaces"):
        about, tags = item.get("Description", ""), tags_of(item, "TagSet")
        stack = _stack_of_the_function(deployment, about)
        if ours(deployment, tags) or _within(deployment, item) or stack:
            name, free = item["NetworkInterfaceId"], item["Status"] == "available"
            remove = partial(ec2.delete_network_interface, NetworkInterfaceId=name)
            note = ", ".join(part for part in (item["Status"], about) if part)
            yield Leftover(
                "network interfaces",
                name,
                note,
                delete=remove if free else None,
                stack=stack or stack_in(deployment, tags),
            )


def _stack_of_the_function(deployment: Deployment, description: str) -> str:
    """The stack whose function has this interface: `AWS Lambda VPC ENI-<name>-<ID>`."""
    if not description.startswith(_OF_LAMBDA):
        return ""
    function = description.removeprefix(_OF_LAMBDA)[: -len("-01234567-89ab-cdef-0123-456789abcdef")]
    return stack_that_named(deployment, function)


def security_groups(deployment: Deployment) -> Iterable[Leftover]:
    """Security groups; a VPC's default one is deleted with it."""
    ec2 = deployment.aws.client("ec2")
    for item in deployment.aws.pages("ec2", "describe_security_groups", "SecurityGroups"):
        own = ours(deployment, tags_of(item)) or _within(deployment, item)
        if own and item["GroupName"] != "default":
            remove = partial(ec2.delete_security_group, GroupId=item["GroupId"])
            stack = stack_in(deployment, tags_of(item))
            yield Leftover(
                "security groups", item["GroupId"], item["GroupName"], delete=remove, stack=stack
            )


def gateways(deployment: Deployment) -> Iterable[Leftover]:
    """NAT gateways."""
    ec2 = deployment.aws.client("ec2")
    for item in deployment.aws.pages("ec2", "describe_nat_gateways", "NatGateways"):
        if ours(deployment, tags_of(item)) and item.get("State") not in _ENDED:
            remove = partial(ec2.delete_nat_gateway, NatGatewayId=item["NatGatewayId"])
            note = f"${NAT_HOUR:g} an hour, plus ${ADDRESS_HOUR:g} for its address"
            stack = stack_in(deployment, tags_of(item))
            yield Leftover("NAT gateways", item["NatGatewayId"], note, delete=remove, stack=stack)


def addresses(deployment: Deployment) -> Iterable[Leftover]:
    """Elastic IP addresses; those in use cannot be released."""
    ec2 = deployment.aws.client("ec2")
    for item in deployment.aws.pages("ec2", "describe_addresses", "Addresses"):
        if ours(deployment, tags_of(item)):
            free = not item.get("AssociationId")
            remove = partial(ec2.release_address, AllocationId=item["AllocationId"])
            price = f"${ADDRESS_HOUR:g} an hour"
            note = f"{item.get('PublicIp', '')}, {price}" + ("" if free else ", in use")
            yield Leftover(
                "Elastic IP addresses",
                item["AllocationId"],
                note,
                delete=remove if free else None,
                stack=stack_in(deployment, tags_of(item)),
            )


def balancers(deployment: Deployment) -> Iterable[Leftover]:
    """Application and network load balancers that Kubernetes created."""
    elb = deployment.aws.client("elbv2")
    listed = deployment.aws.pages("elbv2", "describe_load_balancers", "LoadBalancers")
    arns = [each["LoadBalancerArn"] for each in listed]
    for each in _tagged(elb, "ResourceArns", arns):
        arn = each["ResourceArn"]
        if ours(deployment, tags_of(each)):
            remove = partial(elb.delete_load_balancer, LoadBalancerArn=arn)
            name, stack = arn.split(":loadbalancer/")[-1], stack_in(deployment, tags_of(each))
            yield Leftover("load balancers", name, delete=remove, stack=stack)


def classic_balancers(deployment: Deployment) -> Iterable[Leftover]:
    """Classic load balancers that Kubernetes created."""
    elb = deployment.aws.client("elb")
    listed = deployment.aws.pages("elb", "describe_load_balancers", "LoadBalancerDescriptions")
    balancer_names = [each["LoadBalancerName"] for each in listed]
    for each in _tagged(elb, "LoadBalancerNames", balancer_names):
        name = each["LoadBalancerName"]
        if ours(deployment, tags_of(each)):
            remove = partial(elb.delete_load_balancer, LoadBalancerName=name)
            stack = stack_in(deployment, tags_of(each))
            yield Leftover("classic load balancers", name, delete=remove, stack=stack)


def _tagged(elb: Any, argument: str, which: list[str]) -> Iterable[dict[str, Any]]:
    """The tags of load balancers, old or new, as many at a time as one call allows."""
    for at in range(0, len(which), _AT_A_TIME):
        yield from _tags(elb, argument, which[at : at + _AT_A_TIME])


def _tags(elb: Any, argument: str, which: list[str]) -> list[dict[str, Any]]:
    """The tags from one call; one by one if one is gone: AWS then rejects the whole call."""
    try:
        described: list[dict[str, Any]] = elb.describe_tags(**{argument: which})["TagDescriptions"]
    except ClientError as error:
        if code_of(error) != _GONE:
            raise
        singly = which if len(which) > 1 else []
        return [each for name in singly for each in _tags(elb, argument, [name])]
    return described
