"""Names that stacks, the operations command and the rehearsal must agree on."""

from __future__ import annotations

import hashlib
import json

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG

# Stacks in the order of their dependencies; Storage and Cluster do not depend on each other.
STACKS = ("Network", "Storage", "Cluster", "Addons", "Workload", "Observability")

# Changing these resources' tags would also change the launch template, which gives nodes the user's
# tags; EKS refuses both changes at once, and a placement group would be replaced. Sources:
# https://github.com/aws/aws-cdk/issues/16644
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-placementgroup.html
WITHOUT_THE_USERS_TAGS = ["AWS::EKS::Nodegroup", "AWS::EC2::PlacementGroup"]

# Container Insights' log groups; `application` holds the pods' output.
INSIGHTS_LOGS = ("application", "dataplane", "host", "performance")


def stack_name(settings: Settings, stack: str) -> str:
    """Return CloudFormation's name for one of `STACKS`, such as `bionemo-on-eks-network`."""
    return f"{settings.cluster_name}-{stack.lower()}"


def bucket_name(settings: Settings, account: str) -> str:
    """Return the data bucket's name: the same each time, so that the next deployment finds it.

    `account` is the account's id, or CDK's token for it.
    """
    return f"{settings.cluster_name}-{account}-{settings.region}"


def stacks(settings: Settings) -> tuple[str, ...]:
    """Return those of `STACKS` that `settings` need: with an existing VPC, no Network."""
    return STACKS[1:] if settings.network.vpc_id else STACKS


def control_plane_log_group(settings: Settings) -> str:
    """Return the name that EKS gives to a cluster's log group.

    https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html
    """
    return f"/aws/eks/{settings.cluster_name}/cluster"


def lustre_log_group(settings: Settings) -> str:
    """Return the file system's log group; FSx requires names that begin with `/aws/fsx/`."""
    return f"/aws/fsx/{settings.cluster_name}"


def insights_log_group(settings: Settings, kind: str) -> str:
    """Return the name that Container Insights gives to one of the log groups of `INSIGHTS_LOGS`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-EKS-logs.html
    """
    return f"/aws/containerinsights/{settings.cluster_name}/{kind}"


def fixed_log_groups(settings: Settings) -> list[tuple[str, str]]:
    """Return (stack, name) of the log groups whose names AWS fixes."""
    return [
        ("Cluster", control_plane_log_group(settings)),
        ("Storage", lustre_log_group(settings)),
        *(("Addons", insights_log_group(settings, kind)) for kind in INSIGHTS_LOGS),
    ]


def metrics_namespace(settings: Settings) -> str:
    """Return the CloudWatch namespace of the metrics that the watch publishes."""
    return f"BioNeMoOnEKS/{settings.cluster_name}"


def budget_name(settings: Settings) -> str:
    """Return the budget's name, which must be unique in the account across regions."""
    return f"{settings.cluster_name}-{settings.region}"


def node_group_prefix(settings: Settings, kind: str) -> str:
    """Return the name prefix of all node groups of a kind, `core` or `gpu`."""
    return f"{settings.cluster_name}-{kind}-"


def deployment_tags(settings: Settings) -> dict[str, str]:
    """Return the tags of nodes, disks and interfaces: the project's own and the settings'."""
    return {**settings.tags, DEPLOYMENT_TAG: settings.cluster_name}


def name_with_hash(name: str, *content: object) -> str:
    """Return `name-<hash of content>`: a new name whenever the content changes.

    For what cannot be changed in place: a Job's pod template is immutable, so a changed Job needs a
    new name; the old Job is pruned. Source: https://github.com/aws/aws-cdk/issues/23556. Eight hex
    digits keep a Job's name, and the pod names made from it, within 63 characters.
    """
    text = json.dumps(content, sort_keys=True)
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
