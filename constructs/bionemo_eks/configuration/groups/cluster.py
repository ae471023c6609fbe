"""Settings of group `cluster`."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.forms import (
    Arn,
    ArnOrNone,
    Block,
    Form,
    Group,
    RetentionDays,
    ip_block,
)
from bionemo_eks.configuration.ip_blocks import is_of_the_internet

# Namespaces that the deployment itself uses; the operator already serves `default`.
_TAKEN = {"default", "kubeflow", "amazon-cloudwatch", "nvidia-device-plugin"}
# A DNS label: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
Namespace = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"),
    Form("namespaces of up to 40 lowercase letters, digits and hyphens, such as team-a"),
]


class ClusterSettings(Group):
    """The EKS control plane and who has access to it."""

    endpoint: Literal["public-and-private", "private"] = Field(
        default="public-and-private",
        description="Where the Kubernetes API can be reached from: the internet and the VPC, or "
        "the VPC only.",
    )
    public_access_cidrs: list[Block] = Field(
        default=["0.0.0.0/0"],
        min_length=1,
        # Not adjustable: https://docs.aws.amazon.com/general/latest/gr/eks.html
        max_length=40,
        description="CIDR blocks that may reach the public endpoint (IAM still decides who gets "
        "in).",
    )
    admins: list[Arn] = Field(
        default=[],
        description="IAM users and roles that become cluster admins. Empty: the deployment creates "
        "a role that IAM identities of this account can be allowed to assume.",
    )
    admin_trust: ArnOrNone = Field(
        default="",
        description="Without `admins`: the one IAM user or role that may assume the created role. "
        "Empty: every identity of this account that IAM allows to. `./bionemo preflight --pin` "
        "sets it to the identity that deploys.",
    )
    job_namespaces: list[Namespace] = Field(
        default=[],
        max_length=10,
        description="Namespaces besides `default` for your own PyTorchJobs: see [more "
        "people](people.md).",
    )
    log_days: RetentionDays = Field(
        default=90,
        description="Days to keep the logs of the control plane, containers, file system and "
        "functions.",
    )

    @field_validator("public_access_cidrs")
    @classmethod
    def _are_blocks(cls, value: list[str]) -> list[str]:
        blocks = [ip_block(each) for each in value]
        for each, block in zip(value, blocks, strict=True):
            if block.version != 4:
                raise refused(f"{each} is not an IPv4 block")
            # https://docs.aws.amazon.com/eks/latest/userguide/config-cluster-endpoint.html
            if not is_of_the_internet(ipaddress.IPv4Network(block)):
                raise refused(
                    f"{each} is not a public address range; EKS accepts no reserved addresses for "
                    "the public endpoint"
                )
        # In the form that EKS expects: a single address as a /32, a netmask as a prefix length.
        return list(dict.fromkeys(map(str, blocks)))

    @field_validator("job_namespaces")
    @classmethod
    def _are_free(cls, value: list[str]) -> list[str]:
        for each in value:
            if each in _TAKEN or each.startswith("kube-"):
                raise refused(f"{each} is taken by Kubernetes or by the deployment itself")
        if len(set(value)) < len(value):
            raise refused("a namespace is listed twice")
        return value

    @field_validator("admins")
    @classmethod
    def _are_different(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise refused("an admin is listed twice")
        return value
