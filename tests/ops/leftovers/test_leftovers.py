"""Leftovers: planted orphans of all kinds are found, and nothing of another project."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

import pytest
from rich.console import Console

from ops import leftovers
from ops.aws import Deployment
from ops.leftovers import Leftover, Search, deletion
from ops.show.leftovers import show_leftovers
from tests.context import read_settings
from tests.ops.orphans import REGION, Orphans, client, kms_tag, owned, tag, tagged

# moto starts a whole AWS for each.
pytestmark = pytest.mark.slow

NAME = "bionemo-on-eks"


def search(account: Deployment) -> leftovers.Search:
    """Search again: a deployment remembers AWS's answers."""
    return leftovers.search(replace(account))


def kinds_and_ids(account: Deployment) -> set[tuple[str, str]]:
    looked = search(account)
    assert not looked.blind
    return {(each.kind, each.id) for each in looked.found}


def test_orphans_of_all_kinds_are_found(account: Deployment) -> None:
    planted = Orphans(NAME).plant()
    assert sum(planted.values()) >= 20
    looked = search(account)
    assert not looked.blind
    counted = Counter(each.kind for each in looked.found)
    # Instances, file systems and load balancers bring interfaces and groups of their own.
    assert counted.pop("network interfaces") >= 2
    planted.pop("network interfaces", None)
    assert counted.pop("security groups") >= planted.pop("security groups")
    assert counted == planted


@pytest.mark.parametrize(
    ("other", "own"),
    [
        ("bionemo-on-eks-2", None),
        # The names of its resources begin with the name of one of our stacks.
        ("bionemo-on-eks-cluster", None),
        ("folding", {"Key": "team", "Value": "folding"}),
    ],
)
def test_nothing_of_another_project_is_listed(
    account: Deployment, other: str, own: dict[str, str] | None
) -> None:
    Orphans(NAME).plant()
    before = kinds_and_ids(account)
    Orphans(other, own).plant()
    assert kinds_and_ids(account) == before


def test_interfaces_that_lambda_has_left_untagged_are_found_in_our_vpc(
    account: Deployment,
) -> None:
    Orphans(NAME).plant()
    notes = [each.note for each in search(account).found if each.kind == "network interfaces"]
    assert any("AWS Lambda VPC ENI" in note for note in notes)


def test_in_a_given_vpc_a_functions_name_identifies_its_interface(account: Deployment) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.0.0/24")["Subnet"]["SubnetId"]
    ours = f"AWS Lambda VPC ENI-{NAME}-cluster-KubectlHandler1-Ab1-{'0' * 36}"
    others = f"AWS Lambda VPC ENI-{NAME}-cluster-storage-KubectlHandler1-Ab1-{'0' * 36}"
    for about in (ours, others):
        ec2.create_network_interface(SubnetId=subnet, Description=about)
    (interface,) = search(account).found
    assert interface.note.endswith(ours)


def test_what_holds_data_or_is_in_use_is_not_for_deletion(account: Deployment) -> None:
    Orphans(NAME).plant()
    ec2 = client("ec2")
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", tag(NAME)))[
        "AllocationId"
    ]
    instance = ec2.describe_instances()["Reservations"][0]["Instances"][0]
    ec2.associate_address(AllocationId=address, InstanceId=instance["InstanceId"])
    kinds = {"FSx file systems", "FSx backups", "buckets", "instances", "EKS clusters", "VPCs"}
    looked = search(account).found
    assert all(each.delete is None for each in looked if each.kind in kinds | {"IAM roles"})
    (used,) = [each for each in looked if each.id == address]
    assert used.delete is None
    for each in looked:
        if each.kind == "network interfaces":
            assert (each.delete is None) == each.note.startswith("in-use")


def test_a_vpcs_default_security_group_is_not_listed(account: Deployment) -> None:
    """It is deleted with its VPC."""
    client("ec2").create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc", tag(NAME)))
    assert [kind for kind, _ in kinds_and_ids(account)] == ["VPCs"]


@pytest.mark.parametrize(
    ("tags", "deletable"),
    [
        ([tag(NAME)], True),
        ([owned(NAME)], False),
        ([owned(NAME), {"Key": "kubernetes.io/created-for/pvc/name", "Value": "db"}], False),
        ([tag(NAME), {"Key": "kubernetes.io/created-for/pvc/name", "Value": "db"}], False),
        ([tag(NAME), {"Key": "ebs.csi.aws.com/cluster", "Value": "true"}], False),
        ([tag(NAME), {"Key": "CSIVolumeName", "Value": "pvc-1"}], False),
    ],
)
def test_only_a_nodes_disk_is_for_deletion(
    account: Deployment, tags: list[dict[str, str]], deletable: bool
) -> None:
    client("ec2").create_volume(
        Size=1, AvailabilityZone=f"{REGION}a", TagSpecifications=tagged("volume", *tags)
    )
    (volume,) = search(account).found
    assert (volume.delete is not None) == deletable


def test_a_key_pending_deletion_and_the_bucket_are_kept(account: Deployment) -> None:
    kms = client("kms")
    key = kms.create_key(Tags=[kms_tag(tag(NAME))])
    kms.schedule_key_deletion(KeyId=key["KeyMetadata"]["KeyId"])
    client("s3").create_bucket(
        Bucket=f"bionemo-on-eks-{account.account}-{REGION}",
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    looked = search(account)
    assert {each.kind: each.kept for each in looked.found} == {"KMS keys": True, "buckets": True}
    unwanted = replace(account, settings=read_settings({"storage.keep_bucket": "false"}))
    kept = {each.kind: each.kept for each in search(unwanted).found}
    assert kept == {"KMS keys": True, "buckets": False}


def test_a_kind_that_cannot_be_searched_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, account: Deployment
) -> None:
    def broken(deployment: Deployment) -> list[Leftover]:
        raise KeyError("odd")

    Orphans(NAME).plant()
    monkeypatch.setitem(leftovers.KINDS, "volumes", broken)
    looked = search(account)
    assert list(looked.blind) == ["volumes"]
    assert "KeyError" in looked.blind["volumes"]
    assert len(looked.found) >= 20


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_fits_the_terminal(account: Deployment, width: int) -> None:
    Orphans(NAME).plant()
    out = io.StringIO()
    looked = search(account)
    show_leftovers(Console(file=out, width=width), looked)
    assert out.getvalue() == "", "all of it belongs to existing stacks"
    assert deletion.refusal(looked)
    without_stacks = Search([each for each in looked.found if each.kind != "stacks"], {})
    show_leftovers(Console(file=out, width=width), without_stacks)
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
