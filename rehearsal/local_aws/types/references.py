"""What a property points to must be there. AWS checks that in each service; the emulator does not.

Each function raises ValueError in the service's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ministack.core.responses import get_account_id
from ministack.services import ec2, eks, iam, s3

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(role|user)/(?:.+/)?([\w+=,.@-]+)")


def vpc(name: str) -> None:
    """A VPC by id."""
    _expect(name in ec2._vpcs, f"The vpc ID '{name}' does not exist")


def subnets(names: Iterable[str]) -> None:
    """Subnets by id."""
    for name in names:
        _expect(name in ec2._subnets, f"The subnet ID '{name}' does not exist")


def security_groups(names: Iterable[str]) -> None:
    """Security groups by id."""
    for name in names:
        _expect(name in ec2._security_groups, f"The security group '{name}' does not exist")


def address(allocation: str) -> None:
    """An Elastic IP address by its allocation id."""
    _expect(allocation in ec2._addresses, f"The allocation ID '{allocation}' does not exist")


def launch_template(name: str) -> None:
    """A launch template by id."""
    there = name in ec2._launch_templates
    _expect(there, f"The specified launch template, with template ID {name}, does not exist.")


def bucket(name: str) -> None:
    """An S3 bucket."""
    _expect(name in s3._buckets, f"The bucket {name} does not exist")


def cluster(name: str) -> None:
    """An EKS cluster."""
    _expect(name in eks._clusters, f"No cluster found for name: {name}.")


def role(arn: str) -> None:
    """A role that a service is to take."""
    found = _PRINCIPAL.fullmatch(arn)
    _expect(found is not None and found[2] == "role", f"Invalid role ARN: {arn}")
    principal(arn)


def principal(arn: str) -> None:
    """A role or user; one of another account than the rehearsal's cannot be looked up here."""
    found = _PRINCIPAL.fullmatch(arn)
    if found is None:
        raise ValueError(f"The specified principalArn is invalid: invalid principal: {arn}")
    account, kind, name = found.groups()
    known = iam._roles if kind == "role" else iam._users
    there = account != get_account_id() or name in known
    _expect(there, f"The {kind} with name {name} cannot be found.")


def _expect(there: bool, otherwise: str) -> None:
    if not there:
        raise ValueError(otherwise)
