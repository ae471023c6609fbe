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

# Namespaces in which something of the deployment runs; the operator is in `default` already.
_TAKEN = {"default", "kubeflow", "amazon-cloudwatch", "nvidia-device-plugin"}
# A label's form: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
Namespace = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"),
    Form("namespaces of up to 40 small letters, digits and hyphens, such as team-a"),
]


class ClusterSettings(Group):
    """The EKS control plane and who may talk to it."""

    endpoint: Literal["public-and-private", "private"] = Field(
        default="public-and-private",
        description="How the Kubernetes API is reached: from the internet and the VPC, or from "
        "the VPC alone.",
    )
    public_access_cidrs: list[Block] = Field(
        default=["0.0.0.0/0"],
        min_length=1,
        # Not adjustable: https://docs.aws.amazon.com/general/latest/gr/eks.html
        max_length=40,
        description="Address blocks that may reach the public endpoint (IAM decides who gets in).",
    )
    admins: list[Arn] = Field(
        default=[],
        description="IAM users and roles that become cluster admins. Empty: a role is made that "
        "IAM identities of this account may be allowed to assume.",
    )
    admin_trust: ArnOrNone = Field(
        default="",
        description="Without `admins`: the one IAM user or role that may assume the role that is "
        "made. Empty: every identity of this account that IAM lets. `./bionemo preflight --pin` "
        "writes whoever deploys.",
    )
    job_namespaces: list[Namespace] = Field(
        default=[],
        max_length=10,
        description="Namespaces beside `default` in which PyTorchJobs of one's own run: see [more "
        "people](people.md).",
    )
    log_days: RetentionDays = Field(
        default=90,
        description="Days for which logs are kept: of control plane, containers, file system and "
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
                    f"{each} is not of the internet, from which this endpoint is reached; "
                    "EKS takes no reserved addresses"
                )
        # As EKS takes them: one address as a /32, another's mask as a prefix.
        return list(dict.fromkeys(map(str, blocks)))

    @field_validator("job_namespaces")
    @classmethod
    def _are_free(cls, value: list[str]) -> list[str]:
        for each in value:
            if each in _TAKEN or each.startswith("kube-"):
                raise refused(f"{each} is taken: by Kubernetes, or by the deployment itself")
        if len(set(value)) < len(value):
            raise refused("a namespace is named twice")
        return value

    @field_validator("admins")
    @classmethod
    def _are_different(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise refused("an admin is named twice")
        return value
