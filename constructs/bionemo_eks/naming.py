"""Names that stacks, the operations command and the rehearsal must agree on."""

from __future__ import annotations

from bionemo_eks.settings import Settings

# Every resource carries it, so that whatever is left over can be told from other projects' things.
DEPLOYMENT_TAG = "bionemo-on-eks/deployment"

# Stacks in the order in which they need each other; Storage and Cluster stand side by side.
STACKS = ("Network", "Storage", "Cluster", "Addons", "Workload", "Observability")


def stack_name(settings: Settings, stack: str) -> str:
    """Return CloudFormation's name for one of `STACKS`, such as `bionemo-on-eks-network`."""
    return f"{settings.cluster_name}-{stack.lower()}"


def bucket_name(settings: Settings, account: str) -> str:
    """Return the data bucket's name: the same in every deployment, so that the next one finds it.

    `account` is the account's id, or CDK's token for it.
    """
    return f"{settings.cluster_name}-{account}-{settings.region}"


def lustre_log_group(settings: Settings) -> str:
    """Return the file system's log group; FSx wants names that begin with `/aws/fsx/`."""
    return f"/aws/fsx/{settings.cluster_name}"


def deployment_tags(settings: Settings) -> dict[str, str]:
    """Return the tags of every resource: the project's own and those of the settings."""
    return {**settings.tags, DEPLOYMENT_TAG: settings.cluster_name}
