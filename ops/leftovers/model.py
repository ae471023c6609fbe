"""A leftover, and how to tell this deployment's resources from another project's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bionemo_eks.configuration import names
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from ops.aws import Deployment


@dataclass(frozen=True)
class Leftover:
    """One item that is left.

    `delete` deletes it, None if that could lose data or needs a person; `kept`: kept on
    purpose; `state`: its state in AWS, where that matters; `stack`: the one of `names.STACKS` that
    it belongs to, empty if unknown.
    """

    kind: str
    id: str
    note: str = ""
    kept: bool = False
    delete: Callable[[], Any] | None = field(default=None, compare=False, repr=False)
    state: str = ""
    stack: str = ""


class Unread(str):
    """Why a part of a kind could not be searched."""

    __slots__ = ()


@dataclass(frozen=True)
class Search:
    """What was found, and the kinds that could not be searched, each with the reason."""

    found: list[Leftover]
    blind: dict[str, str]

    @property
    def left(self) -> list[Leftover]:
        """Everything that is not kept on purpose."""
        return [each for each in self.found if not each.kept]


def tags_of(item: dict[str, Any], key: str = "Tags") -> dict[str, str]:
    """Return AWS's list of tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in item.get(key) or []}


def ours(deployment: Deployment, tags: dict[str, str]) -> bool:
    """Whether tags are the deployment's, or those that EKS and Kubernetes set for it."""
    return tags.get(DEPLOYMENT_TAG) == deployment.settings.cluster_name or _of_the_cluster(
        deployment, tags
    )


def _of_the_cluster(deployment: Deployment, tags: dict[str, str]) -> bool:
    """Whether tags are those that EKS and Kubernetes set."""
    name = deployment.settings.cluster_name
    return (
        tags.get("eks:cluster-name") == name
        or tags.get("aws:eks:cluster-name") == name
        or tags.get("cluster.k8s.amazonaws.com/name") == name
        or tags.get("elbv2.k8s.aws/cluster") == name
        or tags.get(f"kubernetes.io/cluster/{name}") == "owned"
    )


def stack_in(deployment: Deployment, tags: dict[str, str]) -> str:
    """Return the stack that something belongs to according to its tags; empty if unknown.

    CloudFormation tags what it creates with the stack's name, if the service supports tags:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
    """
    if _of_the_cluster(deployment, tags):
        return "Cluster"
    own = tags.get("aws:cloudformation:stack-name")
    return next(
        (each for each in names.STACKS if names.stack_name(deployment.settings, each) == own), ""
    )


def stack_that_named(deployment: Deployment, name: str) -> str:
    """Return the deployment's stack whose resource CloudFormation named `name`.

    Such a name is `<stack>-<logical ID>-<random>`, and CDK's logical IDs begin with a capital, as
    no stack name does: a deployment whose name merely starts with this one's does not match. Empty
    if there is no such stack.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """
    for stack in names.STACKS:
        if re.match(
            rf"{re.escape(names.stack_name(deployment.settings, stack))}-[A-Z]\w*(-\w+)?$", name
        ):
            return stack
    return ""
