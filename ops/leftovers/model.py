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
    there on purpose; `state` is AWS' word for how it is, where that decides something.
    """

    kind: str
    id: str
    note: str = ""
    kept: bool = False
    delete: Callable[[], Any] | None = field(default=None, compare=False, repr=False)
    state: str = ""


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
    name = deployment.settings.cluster_name
    return (
        tags.get(DEPLOYMENT_TAG) == name
        or tags.get("eks:cluster-name") == name
        or tags.get("aws:eks:cluster-name") == name
        or tags.get("cluster.k8s.amazonaws.com/name") == name
        or tags.get("elbv2.k8s.aws/cluster") == name
        or tags.get(f"kubernetes.io/cluster/{name}") == "owned"
    )


def named_by_a_stack(deployment: Deployment, name: str) -> bool:
    """Whether CloudFormation made up `name` for a resource of one of the deployment's stacks.

    Such a name is `<stack>-<logical id>-<random>`, and CDK's logical ids begin with a capital, as
    no stack's name does: a deployment whose name goes on where this one's ends is another.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """
    stacks = (names.stack_name(deployment.settings, stack) for stack in names.STACKS)
    return any(re.match(rf"{re.escape(stack)}-[A-Z]\w*(-\w+)?$", name) for stack in stacks)
