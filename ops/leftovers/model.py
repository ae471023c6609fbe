"""A leftover, and how a thing of this deployment is told from another project's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import DEPLOYMENT_TAG
from ops.aws import Deployment


@dataclass(frozen=True)
class Leftover:
    """One thing that is left.

    `delete` removes it, None where that could lose data or needs a person; `kept` says that it is
    there on purpose; `state` is AWS' word for how it is, where that decides something; `stack` is
    the one of `names.STACKS` that it belongs to, empty where nothing tells.
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
        """What is not kept on purpose."""
        return [each for each in self.found if not each.kept]


def tags_of(item: dict[str, Any], key: str = "Tags") -> dict[str, str]:
    """Return AWS' list of tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in item.get(key) or []}


def ours(deployment: Deployment, tags: dict[str, str]) -> bool:
    """Whether tags are those of the deployment, or those that EKS and Kubernetes give for it."""
    return tags.get(DEPLOYMENT_TAG) == deployment.settings.cluster_name or _of_the_cluster(
        deployment, tags
    )


def _of_the_cluster(deployment: Deployment, tags: dict[str, str]) -> bool:
    """Whether tags are those that EKS and Kubernetes give."""
    name = deployment.settings.cluster_name
    return (
        tags.get("eks:cluster-name") == name
        or tags.get("aws:eks:cluster-name") == name
        or tags.get("cluster.k8s.amazonaws.com/name") == name
        or tags.get("elbv2.k8s.aws/cluster") == name
        or tags.get(f"kubernetes.io/cluster/{name}") == "owned"
    )


def stack_in(deployment: Deployment, tags: dict[str, str]) -> str:
    """Return the stack that tags tell something belongs to; empty where they do not.

    CloudFormation tags what it makes with the stack's name, where the service takes tags:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
    """
    if _of_the_cluster(deployment, tags):
        return "Cluster"
    own = tags.get("aws:cloudformation:stack-name")
    return next(
        (each for each in names.STACKS if names.stack_name(deployment.settings, each) == own), ""
    )


def stack_that_named(deployment: Deployment, name: str) -> str:
    """Return the one of the deployment's stacks whose resource CloudFormation named `name`.

    Such a name is `<stack>-<logical id>-<random>`, and CDK's logical ids begin with a capital, as
    no stack's name does: a deployment whose name goes on where this one's ends is another. Empty
    for a name of no stack.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """
    for stack in names.STACKS:
        if re.match(
            rf"{re.escape(names.stack_name(deployment.settings, stack))}-[A-Z]\w*(-\w+)?$", name
        ):
            return stack
    return ""
