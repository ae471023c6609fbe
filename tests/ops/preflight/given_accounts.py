"""Accounts in which what the settings name is missing or does not fit, with the failing check."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.context import COMPANY
from tests.ops.accounts import RESERVED
from tests.ops.preflight.own_accounts import core_without_the_second_zone, standing
from tests.simulated.answers import deployed, described_key, zone
from tests.simulated.aws import LOCKED, Answers, error
from tests.simulated.capacity import BLOCK, block, offered_in, reserved
from tests.simulated.changing import Account
from tests.simulated.given_vpc import VPC, GivenVpc, Subnet
from tests.simulated.person import FREE

# An end that leaves the training enough time.
_LONG: dict[str, Any] = {"EndDate": datetime.now(UTC) + timedelta(hours=200)}


def reserved_as(settings: dict[str, str], **row: Any) -> Account:
    """An account with a Capacity Block, or a reservation, with the values in `row`."""
    overrides: Answers = {"ec2.describe_capacity_reservations": reserved(block(**row))}
    return Account(dict(settings), overrides=overrides)


def no_policy_but_the_free(PolicyArn: str) -> dict[str, Any]:
    if PolicyArn == FREE["account.permissions_boundary"]:
        return {"Policy": {}}
    raise error("GetPolicy", "NoSuchEntity", 404)


def no_key_but_the_free(KeyId: str) -> dict[str, Any]:
    usable = KeyId == FREE["account.kms_key"]
    return described_key() if usable else described_key(KeyState="PendingDeletion")


_SECRET = "secretsmanager.get_secret_value"
_NO_SECRET = error("GetSecretValue", "ResourceNotFoundException")
_ESM2 = {"training.workload": "esm2", "gpu.instance_type": "g6.xlarge"}
# Of an existing VPC.
_GIVEN = {"network.vpc_id": VPC, "gpu.availability_zone": "us-west-2c"}


def in_the_east() -> Account:
    """A VPC with a private subnet in a zone where EKS has no control plane."""
    subnets = [Subnet(f"us-east-1{name}", f"use1-az{n}") for n, name in enumerate("abc", start=1)]
    zones = [each.zone for each in subnets]
    described = [zone(each.zone, each.zone_id) for each in subnets]
    return Account(
        {"network.vpc_id": VPC, "region": "us-east-1"},
        vpc=GivenVpc(subnets),
        overrides={
            "ec2.describe_availability_zones": {"AvailabilityZones": described},
            "ec2.describe_instance_type_offerings": offered_in(*zones, others=zones),
        },
    )


GIVEN: dict[str, tuple[Callable[[], Account], str]] = {
    "a VPC without DNS": (lambda: Account(dict(_GIVEN), vpc=GivenVpc(dns=set())), "VPC"),
    "a VPC without the zone of the GPU nodes": (
        lambda: Account({**_GIVEN, "gpu.availability_zone": "us-west-2a"}),
        "Zones",
    ),
    "a VPC that reaches into a zone without EKS": (in_the_east, "Zones"),
    "a VPC that reaches into a zone without the core type": (
        lambda: Account(
            {**_GIVEN, "gpu.availability_zone": "us-west-2c"},
            overrides={"ec2.describe_instance_type_offerings": core_without_the_second_zone},
        ),
        "Core instance type",
    ),
    "a VPC without an endpoint for S3": (
        lambda: Account(
            dict(_GIVEN),
            vpc=GivenVpc(
                [Subnet("us-west-2b", "usw2-az2"), Subnet("us-west-2c", "usw2-az3", s3=False)]
            ),
        ),
        "VPC routes",
    ),
    "no such boundary": (
        lambda: Account(dict(COMPANY), overrides={"iam.get_policy": no_policy_but_the_free}),
        "Permissions boundary",
    ),
    "a boundary of another account": (
        lambda: Account(
            {"account.permissions_boundary": "arn:aws:iam::999999999999:policy/theirs"}
        ),
        "Permissions boundary",
    ),
    "a key pending deletion": (
        lambda: Account(dict(COMPANY), overrides={"kms.describe_key": no_key_but_the_free}),
        "KMS key",
    ),
    "path and key for a deployment that exists without them": (
        lambda: standing(settings=dict(COMPANY)),
        "Path and key",
    ),
    "a deployment that exists with another path": (
        lambda: standing(overrides={"cloudformation.get_template": deployed("/teams/")}),
        "Path and key",
    ),
    "an image that needs a key": (
        lambda: Account(
            {"training.image": f"{LOCKED}/bionemo:1.2"}, overrides={_SECRET: _NO_SECRET}
        ),
        "Images",
    ),
    "an image pull secret that is missing": (
        lambda: Account({"training.image_pull_secret": "ngc"}, overrides={_SECRET: _NO_SECRET}),
        "Image pull secret",
    ),
    "an image pull secret that is malformed": (
        lambda: Account(
            {"training.image_pull_secret": "ngc"}, overrides={_SECRET: {"SecretString": "nvapi-1"}}
        ),
        "Image pull secret",
    ),
    "a Capacity Block configured as a reservation": (
        lambda: reserved_as(RESERVED, **_LONG),
        "Capacity reservation",
    ),
    "a reservation configured as a Capacity Block": (
        lambda: reserved_as(BLOCK, ReservationType="default"),
        "Capacity Block",
    ),
    "a Capacity Block in another zone": (
        lambda: reserved_as(BLOCK, **_LONG, AvailabilityZone="us-west-2c"),
        "Capacity Block",
    ),
    "a Capacity Block of another type": (
        lambda: reserved_as(BLOCK, **_LONG, InstanceType="p5.48xlarge"),
        "Capacity Block",
    ),
    "a Capacity Block with one node": (
        lambda: reserved_as(BLOCK, **_LONG, AvailableInstanceCount=1),
        "Capacity Block",
    ),
    "an input file that is not in S3": (
        lambda: Account({"dataset.url": "s3://mine/a/x.fasta"}, in_s3={"mine"}),
        "Input files",
    ),
    "a model in a bucket that does not exist": (
        lambda: Account({**_ESM2, "training.start": "s3://mine/models/esm2"}),
        "Input files",
    ),
    "a Capacity Block that ends in an hour": (
        lambda: reserved_as(BLOCK, EndDate=datetime.now(UTC) + timedelta(hours=1)),
        "Capacity Block",
    ),
}
