"""Every remedy that preflight prints, carried out: then preflight passes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.configuration import names
from ops import preflight as room
from ops.results import Step, StepKind, Verdict
from tests.context import COMPANY, read_settings
from tests.ops.accounts import RESERVED
from tests.ops.commands.command_line import Line
from tests.ops.preflight.fixing import bionemo_on, fixed, looked_at, ways
from tests.simulated.answers import (
    BLOCK,
    WHEN,
    ZONES,
    block,
    cluster_versions,
    deployed,
    described_key,
    file_system,
    offered_in,
    zone,
)
from tests.simulated.answers import reserved as reservations
from tests.simulated.aws import ACCOUNT, LOCKED, denied, error
from tests.simulated.changing import Account
from tests.simulated.given_vpc import VPC, GivenVpc, Subnet
from tests.simulated.person import FREE, Person

_CONTROL_PLANE = names.control_plane_log_group(read_settings({}))
_UP = dict.fromkeys(("Network", "Storage"), "CREATE_COMPLETE")
_ALL_UP = dict.fromkeys(names.STACKS, "CREATE_COMPLETE")


def failed_cluster(status: str, **more: Any) -> Account:
    """An account where the Cluster stack is in `status`, and those before it exist."""
    stacks = {**_UP, "Cluster": status}
    return Account(stacks=stacks, file_systems=[file_system()], bucket=True, **more)


def standing(**more: Any) -> Account:
    systems = [file_system(**more.pop("system", {}))]
    return Account(
        stacks=dict(_ALL_UP),
        clusters=["bionemo-on-eks"],
        file_systems=systems,
        bucket=True,
        log_groups={_CONTROL_PLANE},
        **more,
    )


def only_offered(*versions: str) -> Callable[..., dict[str, Any]]:
    """EKS in a region that creates clusters of only these versions."""
    return lambda clusterVersions, **more: cluster_versions(
        [each for each in clusterVersions if each in versions]
    )


def in_extended_support(clusterVersions: list[str], **more: Any) -> dict[str, Any]:
    answer = cluster_versions(clusterVersions)
    for row in answer["clusterVersions"]:
        row["versionStatus"] = (
            "EXTENDED_SUPPORT" if row["clusterVersion"] == "1.33" else "STANDARD_SUPPORT"
        )
    return answer


def old_toolkit(StackName: str = "", **more: Any) -> dict[str, Any]:
    toolkit = {"StackName": "CDKToolkit", "StackStatus": "DELETE_FAILED", "CreationTime": WHEN}
    return {"Stacks": [toolkit] if StackName else []}


core_without_the_second_zone = offered_in(*ZONES, others=("us-west-2a", "us-west-2c"))


def closed_unless_renamed(Bucket: str, **more: Any) -> dict[str, Any]:
    if Bucket.startswith("bionemo-on-eks-"):
        raise denied("HeadBucket")
    raise error("HeadBucket", "404", 404)


# An end that leaves the training its time.
_LONG: dict[str, Any] = {"EndDate": datetime.now(UTC) + timedelta(hours=200)}


def reserved_as(settings: dict[str, str], **row: Any) -> Account:
    """An account with a Capacity Block, or a reservation, of which `row` says what is other."""
    said = {"ec2.describe_capacity_reservations": reservations(block(**row))}
    return Account(dict(settings), said=dict(said))


def no_policy_but_the_free(PolicyArn: str) -> dict[str, Any]:
    if PolicyArn == FREE["account.permissions_boundary"]:
        return {"Policy": {}}
    raise error("GetPolicy", "NoSuchEntity", 404)


def no_key_but_the_free(KeyId: str) -> dict[str, Any]:
    usable = KeyId == FREE["account.kms_key"]
    return described_key() if usable else described_key(KeyState="PendingDeletion")


def short_of(code: str) -> Account:
    """An account with 1 of a quota."""
    return Account(limits={code: 1})


_SECRET = "secretsmanager.get_secret_value"
_NO_SECRET = error("GetSecretValue", "ResourceNotFoundException")

_ESM2 = {"training.workload": "esm2", "gpu.instance_type": "g6.xlarge"}
# Of a VPC that is there already.
_GIVEN = {"network.vpc_id": VPC, "gpu.availability_zone": "us-west-2c"}


def in_the_east() -> Account:
    """A VPC with a private subnet in a zone where EKS has no control plane."""
    subnets = [Subnet(f"us-east-1{name}", f"use1-az{n}") for n, name in enumerate("abc", start=1)]
    zones = [each.zone for each in subnets]
    there = [zone(each.zone, each.zone_id) for each in subnets]
    return Account(
        {"network.vpc_id": VPC, "region": "us-east-1"},
        vpc=GivenVpc(subnets),
        said={
            "ec2.describe_availability_zones": {"AvailabilityZones": there},
            "ec2.describe_instance_type_offerings": offered_in(*zones, others=zones),
        },
    )


# Title, then the account and the check that finds something in it.
STATES: dict[str, tuple[Callable[[], Account], str]] = {
    "never bootstrapped": (
        lambda: Account(bootstrap=""),
        "CDK bootstrap",
    ),
    "an old bootstrap": (lambda: Account(bootstrap="5"), "CDK bootstrap"),
    "a bootstrap that was half deleted, and SSM closed": (
        lambda: Account(
            said={
                "ssm.get_parameter": denied("GetParameter"),
                "cloudformation.describe_stacks": old_toolkit,
            }
        ),
        "CDK bootstrap",
    ),
    "CDK's roles closed to the caller": (
        lambda: Account(
            refused={
                f"cdk-hnb659fds-{kind}-{ACCOUNT}-us-west-2"
                for kind in ("deploy-role", "file-publishing-role")
            }
        ),
        "Permissions",
    ),
    "CloudFormation's role without rights": (
        lambda: Account(refused={"eks:CreateCluster"}),
        "Permissions",
    ),
    **{
        f"the Cluster stack in {status}": (partial(failed_cluster, status), "Stacks")
        for status in (
            "CREATE_FAILED",
            "UPDATE_FAILED",
            "UPDATE_ROLLBACK_FAILED",
            "IMPORT_ROLLBACK_FAILED",
            "CREATE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
        )
    },
    "a Cluster stack that an interface keeps": (
        lambda: failed_cluster("DELETE_FAILED", interface=True),
        "Stacks",
    ),
    "the log group of a Cluster stack that was rolled back": (
        lambda: failed_cluster("ROLLBACK_COMPLETE", log_groups={_CONTROL_PLANE}),
        "Log groups",
    ),
    "the log group of a Cluster stack that is gone": (
        lambda: Account(
            stacks=dict(_UP),
            file_systems=[file_system()],
            bucket=True,
            log_groups={_CONTROL_PLANE},
        ),
        "Log groups",
    ),
    "log groups of an earlier deployment": (
        lambda: Account(
            log_groups={group for _, group in names.fixed_log_groups(read_settings({}))}
        ),
        "Log groups",
    ),
    "a cluster two versions back": (lambda: standing(version="1.33"), "Kubernetes version"),
    "a version that has ended": (
        lambda: Account(
            {"kubernetes_version": "1.29"},
            said={"eks.describe_cluster_versions": only_offered("1.35")},
        ),
        "Kubernetes version",
    ),
    "a region without the version": (
        lambda: Account(said={"eks.describe_cluster_versions": only_offered("1.34")}),
        "Kubernetes version",
    ),
    "extended support": (
        lambda: Account(
            {"kubernetes_version": "1.33"},
            said={"eks.describe_cluster_versions": in_extended_support},
        ),
        "Kubernetes version",
    ),
    "a zone that is not there": (
        lambda: Account(
            said={
                "ec2.describe_availability_zones": {
                    "AvailabilityZones": [zone("us-west-2b"), zone("us-west-2c")]
                }
            }
        ),
        "Zones",
    ),
    "a zone without the GPU type": (
        lambda: Account(said={"ec2.describe_instance_type_offerings": offered_in("us-west-2c")}),
        "GPU instance type",
    ),
    "a zone without the core type": (
        lambda: Account(
            said={"ec2.describe_instance_type_offerings": core_without_the_second_zone}
        ),
        "Core instance type",
    ),
    **{
        f"no room in {check}": (partial(short_of, code), check)
        for check, code in {
            "GPU vCPU quota": "L_417A185B",
            "Core vCPU quota": "L_1216C47A",
            "VPC quota": "L_F678F1CE",
            "FSx storage quota": "L_8F1B9C74",
        }.items()
    },
    "no room for more core nodes": (
        lambda: Account(limits={"L_1216C47A": 20}),
        "Core vCPU quota",
    ),
    "no address": (lambda: Account(limits={"L_0263D0A3": 0}), "Elastic IP quota"),
    "no file system more": (lambda: Account(limits={"L_FD6F2F22": 0}), "FSx number quota"),
    "a file system that would shrink": (
        lambda: standing(system={"StorageCapacity": 4800}),
        "File system",
    ),
    "a file system in another zone": (
        lambda: standing(
            settings={
                "gpu.availability_zone": "us-west-2b",
                "network.availability_zones": "us-west-2b,us-west-2a",
            }
        ),
        "File system",
    ),
    "a file system without its stack": (
        lambda: Account(file_systems=[file_system()]),
        "File system",
    ),
    "another's cluster": (lambda: Account(clusters=["bionemo-on-eks"]), "Cluster name"),
    "another's bucket": (
        lambda: Account(said={"s3.head_bucket": closed_unless_renamed}),
        "Bucket name",
    ),
    "a bucket that is not to be kept": (
        lambda: Account({"storage.keep_bucket": "false"}, bucket=True),
        "Bucket name",
    ),
    "a bucket with a policy of another": (
        lambda: Account(bucket=True, bucket_policy=True),
        "Bucket policy",
    ),
    "a VPC without names": (lambda: Account(dict(_GIVEN), vpc=GivenVpc(dns=set())), "VPC"),
    "a VPC that is not where the GPU nodes are to be": (
        lambda: Account({**_GIVEN, "gpu.availability_zone": "us-west-2a"}),
        "Zones",
    ),
    "a VPC that reaches into a zone without EKS": (in_the_east, "Zones"),
    "a VPC that reaches into a zone without the core type": (
        lambda: Account(
            {**_GIVEN, "gpu.availability_zone": "us-west-2c"},
            said={"ec2.describe_instance_type_offerings": core_without_the_second_zone},
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
        lambda: Account(dict(COMPANY), said={"iam.get_policy": no_policy_but_the_free}),
        "Permissions boundary",
    ),
    "a boundary of another account": (
        lambda: Account(
            {"account.permissions_boundary": "arn:aws:iam::999999999999:policy/theirs"}
        ),
        "Permissions boundary",
    ),
    "a key that is about to go": (
        lambda: Account(dict(COMPANY), said={"kms.describe_key": no_key_but_the_free}),
        "KMS key",
    ),
    "path and key for a deployment that stands without": (
        lambda: standing(settings=dict(COMPANY)),
        "Path and key",
    ),
    "a deployment that stands with another path": (
        lambda: standing(said={"cloudformation.get_template": deployed("/teams/")}),
        "Path and key",
    ),
    "an image that needs a key": (
        lambda: Account({"training.image": f"{LOCKED}/bionemo:1.2"}, said={_SECRET: _NO_SECRET}),
        "Images",
    ),
    "a key to the image that is not there": (
        lambda: Account({"training.image_pull_secret": "ngc"}, said={_SECRET: _NO_SECRET}),
        "Image pull secret",
    ),
    "a key to the image of another form": (
        lambda: Account(
            {"training.image_pull_secret": "ngc"}, said={_SECRET: {"SecretString": "nvapi-1"}}
        ),
        "Image pull secret",
    ),
    "a Capacity Block that is taken for a reservation": (
        lambda: reserved_as(RESERVED, **_LONG),
        "Capacity reservation",
    ),
    "a reservation that is taken for a Capacity Block": (
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
    "a file of one's own that is not in S3": (
        lambda: Account({"dataset.url": "s3://mine/a/x.fasta"}, in_s3={"mine"}),
        "Input files",
    ),
    "a model in a bucket that is not there": (
        lambda: Account({**_ESM2, "training.start": "s3://mine/models/esm2"}),
        "Input files",
    ),
    "a Capacity Block that ends in an hour": (
        lambda: reserved_as(BLOCK, EndDate=datetime.now(UTC) + timedelta(hours=1)),
        "Capacity Block",
    ),
}


@pytest.mark.parametrize("title", list(STATES))
def test_preflight_passes_after_each_remedy_that_it_prints(
    title: str, line: Line, tmp_path: Path
) -> None:
    make, check = STATES[title]
    number = len(ways(looked_at(make())[check]))
    assert number, "there is a way"
    for way in range(number):
        account = make()
        person = Person(account, bionemo_on(account, line), tmp_path)
        results = fixed(account, person, check, way)
        failing = [each for each in results.values() if each.verdict is Verdict.FAIL]
        assert not failing, failing
        # With other settings a check may have nothing to look at any more.
        assert check not in results or results[check].verdict is Verdict.PASS, results[check]


def said_in_the_code() -> Iterator[tuple[str, int]]:
    """(file, line) of each command and each set of options in a function of preflight."""
    for path in Path(room.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
        for call in (each for function in functions for each in ast.walk(function)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in (
                "command",
                "options",
            ):
                yield path.name, call.lineno


def test_every_remedy_in_the_code_is_carried_out_by_some_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new one needs a state in which it is carried out."""
    reached, made = set(), Step.__init__

    def noted(self: Step, kind: StepKind, text: str) -> None:
        frame = sys._getframe(2)  # the caller of `command` or `options`
        reached.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
        made(self, kind, text)

    monkeypatch.setattr(Step, "__init__", noted)
    for make, _ in STATES.values():
        looked_at(make())
    left_out = set(said_in_the_code()) - reached
    assert not left_out
