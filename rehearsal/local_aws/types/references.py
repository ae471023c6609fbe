"""Checks that what a property refers to exists, which AWS does and the emulator does not.

Each function asks the service, and passes on its error; where the emulator returns none, it raises
a ValueError with AWS's message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ministack.core.responses import get_account_id

from rehearsal.local_aws.in_process import client

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(role|user)/(?:.+/)?([\w+=,.@-]+)")


def vpc(name: str) -> None:
    """A VPC by id."""
    client("ec2").describe_vpcs(VpcIds=[name])


def subnets(names: Iterable[str]) -> set[str]:
    """Subnets by id; return their availability zones."""
    found = client("ec2").describe_subnets(SubnetIds=list(names))["Subnets"]
    return {each["AvailabilityZone"] for each in found}


def security_groups(names: Iterable[str]) -> None:
    """Security groups by id."""
    if wanted := list(names):
        client("ec2").describe_security_groups(GroupIds=wanted)


def address(allocation: str) -> None:
    """An Elastic IP address by its allocation id."""
    if not client("ec2").describe_addresses(AllocationIds=[allocation])["Addresses"]:
        raise ValueError(f"The allocation ID '{allocation}' does not exist")


def launch_template(name: str) -> None:
    """A launch template by id."""
    found = client("ec2").describe_launch_templates(LaunchTemplateIds=[name])
    if not found["LaunchTemplates"]:
        raise ValueError(f"The specified launch template, with template ID {name}, does not exist.")


def bucket(name: str) -> None:
    """An S3 bucket."""
    client("s3").get_bucket_location(Bucket=name)


def cluster_version(name: str) -> str:
    """An EKS cluster; return its Kubernetes version."""
    version: str = client("eks").describe_cluster(name=name)["cluster"]["version"]
    return version


def role(arn: str) -> None:
    """A role for a service."""
    found = _PRINCIPAL.fullmatch(arn)
    if found is None or found[2] != "role":
        raise ValueError(f"Invalid role ARN: {arn}")
    principal(arn)


def principal(arn: str) -> None:
    """A role or user; one in another account cannot be looked up here."""
    found = _PRINCIPAL.fullmatch(arn)
    if found is None:
        raise ValueError(f"The specified principalArn is invalid: invalid principal: {arn}")
    account, kind, name = found.groups()
    if account == get_account_id():
        iam = client("iam")
        iam.get_role(RoleName=name) if kind == "role" else iam.get_user(UserName=name)
