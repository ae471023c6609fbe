"""Everything else: by the deployment's tag, and roles by the names that CloudFormation gives."""

from __future__ import annotations

from collections.abc import Iterable

from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from ops.aws import Deployment
from ops.leftovers.model import Leftover, stack_in, stack_that_named, tags_of

# Services, or parts of one, that another kind covers.
_COVERED = (
    "cloudformation:stack/",
    "ec2:elastic-ip/",
    "ec2:instance/",
    "ec2:launch-template/",
    "ec2:natgateway/",
    "ec2:network-interface/",
    "ec2:security-group/",
    "ec2:volume/",
    "ec2:vpc/",
    "eks:",  # node groups, add-ons and access entries are deleted with their cluster
    "elasticloadbalancing:",
    "fsx:",
    "kms:key/",
    "logs:log-group:",
    "s3:",
)
# Parts of a VPC, which are deleted with it.
_OF_A_VPC = tuple(
    f"ec2:{part}/"
    for part in (
        "internet-gateway",
        "network-acl",
        "route-table",
        "security-group-rule",
        "subnet",
        "vpc-endpoint",
        "vpc-flow-log",
    )
)


def tagged(deployment: Deployment) -> Iterable[Leftover]:
    """Alarms, functions, topics and anything else with the deployment's tag.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    listed = deployment.aws.pages(
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        TagFilters=[{"Key": DEPLOYMENT_TAG, "Values": [deployment.settings.cluster_name]}],
    )
    for item in listed:
        _, _, service, _, _, resource = item["ResourceARN"].split(":", 5)
        if not f"{service}:{resource}".startswith((*_COVERED, *_OF_A_VPC)):
            note = "has the tag; the tag index may lag minutes behind a deletion"
            stack = stack_in(deployment, tags_of(item))
            yield Leftover("other tagged resources", f"{service} {resource}", note, stack=stack)


def roles(deployment: Deployment) -> Iterable[Leftover]:
    """IAM roles, which the tag index leaves out."""
    for item in deployment.aws.pages("iam", "list_roles", "Roles"):
        stack = stack_that_named(deployment, item["RoleName"])
        if stack:
            note = "free of charge; npx cdk destroy --all"
            yield Leftover("IAM roles", item["RoleName"], note, stack=stack)
