"""Leftovers: planted orphans of all kinds are found, and nothing of another project."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from ops import leftovers
from ops.aws import Deployment
from ops.leftovers import Leftover, data, deletion, network
from ops.show.leftovers import show_leftovers
from tests.context import read_settings
from tests.ops.orphans import REGION, Orphans, client, owned, tag, tagged
from tests.simulated.accounts import simulated_deployment
from tests.simulated.aws import Answers, denied, error, in_pages

# moto starts a whole AWS for each.
pytestmark = pytest.mark.slow

NAME = "bionemo-on-eks"
KEY_TAG = {"TagKey": "bionemo-on-eks/deployment", "TagValue": NAME}


def search(account: Deployment) -> leftovers.Search:
    """Look anew: a deployment remembers what AWS has said."""
    return leftovers.search(replace(account))


def found(account: Deployment) -> set[tuple[str, str]]:
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
        # Its names begin with those of one of our stacks.
        ("bionemo-on-eks-cluster", None),
        ("folding", {"Key": "team", "Value": "folding"}),
    ],
)
def test_nothing_of_another_project_is_listed(
    account: Deployment, other: str, own: dict[str, str] | None
) -> None:
    Orphans(NAME).plant()
    before = found(account)
    Orphans(other, own).plant()
    assert found(account) == before


def test_interfaces_that_lambda_has_left_untagged_are_found_in_our_vpc(
    account: Deployment,
) -> None:
    Orphans(NAME).plant()
    notes = [each.note for each in search(account).found if each.kind == "network interfaces"]
    assert any("AWS Lambda VPC ENI" in note for note in notes)


def test_in_a_given_vpc_a_functions_name_tells_whose_interface_it_is(account: Deployment) -> None:
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
    assert "in use" in used.note
    for each in looked:
        if each.kind == "network interfaces":
            assert (each.delete is None) == each.note.startswith("in-use")


def test_an_interface_that_is_attached_is_not_for_deletion(account: Deployment) -> None:
    answers: Answers = {
        "ec2.describe_vpcs": {"Vpcs": []},
        "ec2.describe_network_interfaces": {
            "NetworkInterfaces": [
                {
                    "NetworkInterfaceId": f"eni-{status}",
                    "Status": status,
                    "TagSet": [{"Key": "cluster.k8s.amazonaws.com/name", "Value": NAME}],
                }
                for status in ("in-use", "available")
            ]
        },
    }
    used, free = leftovers.network.interfaces(simulated_deployment({}, answers))
    assert used.delete is None
    assert free.delete is not None


def test_a_gateway_that_is_going_is_not_left_over() -> None:
    """EC2 lists it for an hour after."""
    states = ("available", "failed", "deleting", "deleted")
    rows = [{"NatGatewayId": state, "State": state, "Tags": [tag(NAME)]} for state in states]
    account = simulated_deployment({}, {"ec2.describe_nat_gateways": {"NatGateways": rows}})
    assert [each.id for each in leftovers.network.gateways(account)] == ["available", "failed"]


ELB = "arn:aws:elasticloadbalancing:us-west-2:111122223333:loadbalancer/net"


class Balancers:
    """Load balancers, old or new, of which each third is ours and the `gone` ones just went."""

    def __init__(self, kind: str, count: int, *gone: int) -> None:
        all_names = [f"lb-{n}" if kind == "elb" else f"{ELB}/lb-{n}" for n in range(count)]
        self.gone = {all_names[n] for n in gone}
        self.batches: list[int] = []
        self._name = "LoadBalancerName" if kind == "elb" else "LoadBalancerArn"
        key = "LoadBalancerDescriptions" if kind == "elb" else "LoadBalancers"
        rows = [{self._name: name} for name in all_names]
        listed = in_pages(key, rows[:5], rows[5:], token="NextMarker", asked="Marker")
        self.answers: Answers = {
            f"{kind}.describe_load_balancers": listed,
            f"{kind}.describe_tags": self._tags,
        }
        self.account = simulated_deployment({}, self.answers)
        self.ours = [f"lb-{n}" for n in range(0, count, 3) if n not in gone]
        self.search = network.classic_balancers if kind == "elb" else network.balancers

    def _tags(self, **asked: list[str]) -> dict[str, Any]:
        (some,) = asked.values()
        self.batches.append(len(some))
        if self.gone & set(some):
            raise error("DescribeTags", "LoadBalancerNotFound")
        key = "LoadBalancerName" if self._name == "LoadBalancerName" else "ResourceArn"
        return {"TagDescriptions": [{key: name, "Tags": self._of(name)} for name in some]}

    def _of(self, name: str) -> list[dict[str, str]]:
        own = int(name.rpartition("-")[2]) % 3 == 0
        return [owned(NAME)] if own else [{"Key": "team", "Value": "folding"}]

    def found(self) -> list[str]:
        return [each.id.removeprefix("net/") for each in self.search(self.account)]


@pytest.mark.parametrize("kind", ["elb", "elbv2"])
def test_load_balancers_are_asked_for_at_most_twenty_at_a_time(kind: str) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html"""
    balancers = Balancers(kind, 45)
    assert balancers.found() == balancers.ours
    assert balancers.batches == [20, 20, 5]


@pytest.mark.parametrize("kind", ["elb", "elbv2"])
@pytest.mark.parametrize("count", [25, 7])
def test_a_load_balancer_that_goes_meanwhile_hides_no_other(kind: str, count: int) -> None:
    balancers = Balancers(kind, count, 1, 6)
    assert balancers.found() == balancers.ours
    assert Balancers(kind, 1, 0).found() == []


def test_load_balancers_that_may_not_be_asked_for_their_tags_could_not_be_told() -> None:
    balancers = Balancers("elbv2", 3)
    balancers.answers["elbv2.describe_tags"] = denied("DescribeTags")
    with pytest.raises(ClientError, match="AccessDenied"):
        balancers.found()


def test_a_vpcs_default_security_group_goes_with_it(account: Deployment) -> None:
    client("ec2").create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc", tag(NAME)))
    assert [kind for kind, _ in found(account)] == ["VPCs"]


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
    assert ("may hold a pod's data" in volume.note) != deletable


def test_a_disk_that_is_attached_is_not_for_deletion() -> None:
    rows = [
        {"VolumeId": state, "State": state, "Size": 1, "Tags": [tag(NAME)]}
        for state in ("available", "in-use")
    ]
    account = simulated_deployment({}, {"ec2.describe_volumes": {"Volumes": rows}})
    free, used = leftovers.compute.volumes(account)
    assert (free.delete is not None, used.delete is not None) == (True, False)


def test_a_key_that_waits_for_deletion_and_the_bucket_are_kept(account: Deployment) -> None:
    kms = client("kms")
    key = kms.create_key(Tags=[KEY_TAG])
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


def test_a_file_system_without_a_fixed_size_is_listed() -> None:
    system = {"FileSystemId": "fs-0123456789abcdef0", "Tags": [tag(NAME)]}
    account = simulated_deployment({}, {"fsx.describe_file_systems": {"FileSystems": [system]}})
    (listed,) = data.systems(account)
    assert listed.note == "holds data, so delete it yourself"


def keys(described: Any, tags: Any) -> Deployment:
    return simulated_deployment(
        {},
        {
            "kms.list_keys": {"Keys": [{"KeyId": "1"}, {"KeyId": "2"}]},
            "kms.describe_key": described,
            "kms.list_resource_tags": tags,
        },
    )


LIVES = {"KeyMetadata": {"KeyId": "1", "KeyState": "Enabled", "KeyManager": "CUSTOMER"}}


def test_keys_that_are_closed_to_the_caller_are_counted() -> None:
    def tags(KeyId: str) -> dict[str, Any]:
        if KeyId == "2":
            raise denied("ListResourceTags")
        return {"Tags": [KEY_TAG]}

    key, unread = data.keys(keys(LIVES, tags))
    assert isinstance(key, Leftover)
    assert str(unread).startswith("1 keys are closed to you")


def test_awss_own_keys_are_not_asked_for_tags() -> None:
    about = {"KeyMetadata": {"KeyId": "1", "KeyState": "Enabled", "KeyManager": "AWS"}}
    assert list(data.keys(keys(about, denied("ListResourceTags")))) == []


def test_throttling_of_keys_does_not_read_as_nothing_left() -> None:
    account = keys(error("DescribeKey", "ThrottlingException"), {})
    with pytest.raises(ClientError, match="Throttling"):
        list(data.keys(account))


def test_a_kind_that_cannot_be_searched_leaves_the_others_standing(
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


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal(account: Deployment, width: int) -> None:
    Orphans(NAME).plant()
    out = io.StringIO()
    show_leftovers(Console(file=out, width=width), search(account))
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
    # While the deployment stands, nothing is offered for deletion.
    assert not any(line.rstrip().endswith("yes") for line in lines)
    assert deletion.refusal(search(account))
