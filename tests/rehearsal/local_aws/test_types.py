"""The stand-ins for AWS refuse what AWS refuses: what is not there, what no service takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.core import router
from ministack.core.responses import get_account_id
from ministack.services import ec2, eks, iam, s3
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from rehearsal.local_aws.corrections import eks_updates
from rehearsal.local_aws.ledgers import LEDGERS
from rehearsal.local_aws.types import HANDLERS, fsx, handlers

Properties = dict[str, Any]
ROLE = f"arn:aws:iam::{get_account_id()}:role/service/present"
ABSENT = f"arn:aws:iam::{get_account_id()}:role/absent"


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Put one of each thing into the emulator's tables."""
    monkeypatch.setenv(LEDGERS, str(tmp_path))
    tables: list[tuple[Any, str, Any]] = [
        (ec2._vpcs, "vpc-1", {"CidrBlock": "10.1.0.0/21"}),
        (ec2._subnets, "subnet-1", {"VpcId": "vpc-1", "AvailabilityZone": "us-west-2a"}),
        (ec2._subnets, "subnet-2", {"VpcId": "vpc-1", "AvailabilityZone": "us-west-2b"}),
        (ec2._security_groups, "sg-1", {}),
        (ec2._addresses, "eipalloc-1", {}),
        (ec2._launch_templates, "lt-1", {}),
        (eks._clusters, "cluster", {"version": "1.35"}),
        (iam._roles, "present", {}),
        (s3._buckets, "bucket", {"objects": {}}),
    ]
    for table, key, value in tables:
        table[key] = value
    yield
    for table, key, _ in tables:
        table.pop(key, None)
    for table in (ec2._nat_gateways, fsx.file_systems, fsx.associations):
        table.clear()


def create(kind: str, properties: Properties) -> tuple[str, Properties]:
    made: tuple[str, Properties] = HANDLERS[kind]["create"]("Logical", properties, "stack")
    return made


def file_system(lustre: Properties | None = None, **changes: Any) -> Properties:
    return {
        "FileSystemType": "LUSTRE",
        "FileSystemTypeVersion": "2.15",
        "SubnetIds": ["subnet-1"],
        "SecurityGroupIds": ["sg-1"],
        "StorageCapacity": "2400",
        "LustreConfiguration": {
            "PerUnitStorageThroughput": 500,
            "LogConfiguration": {"Destination": "arn:aws:logs:r:1:log-group:/aws/fsx/a:*"},
            **(lustre or {}),
        },
        **changes,
    }


NAT = {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"}
FLOW_LOG = {"ResourceType": "VPC", "ResourceId": "vpc-1", "DeliverLogsPermissionArn": ROLE}
BLOCK = {"VpcId": "vpc-1", "CidrBlock": "100.64.0.0/16"}
ENTRY = {"ClusterName": "cluster", "PrincipalArn": ROLE}
IDENTITY = {"ClusterName": "cluster", "Namespace": "n", "ServiceAccount": "s", "RoleArn": ROLE}
ADDON = {"ClusterName": "cluster", "AddonName": "vpc-cni"}
RULE = {"GroupId": "sg-1"}


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("AWS::EC2::NatGateway", NAT | {"SubnetId": "subnet-9"}, "'subnet-9' does not exist"),
        ("AWS::EC2::NatGateway", NAT | {"AllocationId": "eipalloc-9"}, "does not exist"),
        ("AWS::EC2::FlowLog", FLOW_LOG | {"ResourceId": "vpc-9"}, "'vpc-9' does not exist"),
        ("AWS::EC2::FlowLog", FLOW_LOG | {"DeliverLogsPermissionArn": ABSENT}, "cannot be found"),
        ("AWS::EC2::VPCCidrBlock", BLOCK | {"VpcId": "vpc-9"}, "'vpc-9' does not exist"),
        ("AWS::EC2::VPCCidrBlock", BLOCK | {"CidrBlock": "100.64.0.0/15"}, "/16 to /28"),
        ("AWS::EC2::VPCCidrBlock", BLOCK | {"CidrBlock": "100.64.0.0/29"}, "/16 to /28"),
        ("AWS::EC2::VPCCidrBlock", BLOCK | {"CidrBlock": "10.1.4.0/24"}, "conflicts with another"),
        ("AWS::EC2::SecurityGroupIngress", RULE | {"GroupId": "sg-9"}, "'sg-9' does not exist"),
        (
            "AWS::EC2::SecurityGroupIngress",
            RULE | {"SourceSecurityGroupId": "sg-9"},
            "'sg-9' does not exist",
        ),
        ("AWS::FSx::FileSystem", file_system(SubnetIds=["subnet-9"]), "does not exist"),
        ("AWS::FSx::FileSystem", file_system(SubnetIds=["subnet-1", "subnet-2"]), "exactly one"),
        ("AWS::FSx::FileSystem", file_system(SecurityGroupIds=["sg-9"]), "does not exist"),
        ("AWS::FSx::FileSystem", file_system(StorageCapacity=3600), "storage capacity: 3600"),
        ("AWS::FSx::FileSystem", file_system(StorageCapacity=0), "storage capacity: 0"),
        ("AWS::FSx::FileSystem", file_system({"PerUnitStorageThroughput": 200}), "Throughput"),
        ("AWS::FSx::FileSystem", file_system(FileSystemTypeVersion="2.10"), "TypeVersion"),
        (
            "AWS::FSx::DataRepositoryAssociation",
            {"FileSystemId": "fs-9", "FileSystemPath": "/a", "DataRepositoryPath": "s3://bucket/a"},
            "'fs-9' does not exist",
        ),
        ("AWS::EKS::AccessEntry", ENTRY | {"PrincipalArn": ABSENT}, "absent cannot be found"),
        ("AWS::EKS::AccessEntry", ENTRY | {"PrincipalArn": "Admin"}, "invalid principal"),
        ("AWS::EKS::PodIdentityAssociation", IDENTITY | {"RoleArn": ABSENT}, "cannot be found"),
        ("AWS::EKS::PodIdentityAssociation", IDENTITY | {"RoleArn": "r"}, "Invalid role ARN"),
        ("AWS::EKS::Addon", ADDON | {"AddonName": "vpc-cnn"}, "vpc-cnn specified is not supported"),
        ("AWS::EKS::Addon", ADDON | {"ClusterName": "other"}, "No cluster found for name: other"),
        (
            "AWS::EKS::Addon",
            ADDON | {"PodIdentityAssociations": [{"ServiceAccount": "s", "RoleArn": ABSENT}]},
            "cannot be found",
        ),
    ],
)
def test_what_is_not_there_or_impossible_is_refused(
    kind: str, properties: Properties, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        create(kind, properties)


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::EC2::NatGateway", NAT),
        ("AWS::EC2::VPCCidrBlock", BLOCK),
        ("AWS::EC2::SecurityGroupIngress", RULE),
        ("AWS::FSx::FileSystem", file_system()),
        ("AWS::FSx::FileSystem", file_system(StorageCapacity=1200)),
    ],
)
def test_what_is_there_is_taken(kind: str, properties: Properties) -> None:
    physical_id, _ = create(kind, properties)
    HANDLERS[kind]["delete"](physical_id, properties)


def test_a_role_of_another_account_cannot_be_looked_up_and_passes() -> None:
    other = "arn:aws:iam::999988887777:role/Admin"
    create("AWS::EKS::AccessEntry", ENTRY | {"PrincipalArn": other})
    HANDLERS["AWS::EKS::AccessEntry"]["delete"]("", ENTRY | {"PrincipalArn": other})


CLUSTER = {"RoleArn": ROLE, "ResourcesVpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"]}}
GROUP = {
    "ClusterName": "cluster",
    "NodeRole": ROLE,
    "Subnets": ["subnet-1"],
    "LaunchTemplate": {"Id": "lt-1"},
}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (CLUSTER | {"RoleArn": ABSENT}, "cannot be found"),
        (CLUSTER | {"ResourcesVpcConfig": {"SubnetIds": ["subnet-9"]}}, "does not exist"),
        (CLUSTER | {"ResourcesVpcConfig": {"SubnetIds": ["subnet-1"]}}, "two different AZs"),
    ],
)
def test_a_cluster_needs_what_it_names(properties: Properties, reason: str) -> None:
    eks_updates.what_a_cluster_names(CLUSTER)
    with pytest.raises(ValueError, match=reason):
        eks_updates.what_a_cluster_names(properties)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (GROUP | {"ClusterName": "other"}, "No cluster found"),
        (GROUP | {"NodeRole": ABSENT}, "cannot be found"),
        (GROUP | {"Subnets": ["subnet-9"]}, "does not exist"),
        (GROUP | {"LaunchTemplate": {"Id": "lt-9"}}, "does not exist"),
    ],
)
def test_a_node_group_needs_what_it_names(properties: Properties, reason: str) -> None:
    eks_updates.what_a_node_group_names(GROUP)
    with pytest.raises(ValueError, match=reason):
        eks_updates.what_a_node_group_names(properties)


def test_a_pods_role_changes_in_place() -> None:
    iam._roles["other"] = {}
    made, _ = create("AWS::EKS::PodIdentityAssociation", IDENTITY)
    role = ROLE.replace("present", "other")
    update = HANDLERS["AWS::EKS::PodIdentityAssociation"]["update"]
    changed = IDENTITY | {"RoleArn": role}
    assert update(made, IDENTITY, changed, "stack", "Logical")[0] == made
    (association,) = eks._pod_identity_associations.values()
    assert association["roleArn"] == role
    HANDLERS["AWS::EKS::PodIdentityAssociation"]["delete"](made, changed)
    iam._roles.pop("other")


def test_a_file_systems_id_is_the_same_in_every_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    def rehearsed() -> list[str]:
        monkeypatch.setattr(handlers, "_made", Counter())
        return [create("AWS::FSx::FileSystem", file_system())[0] for _ in range(2)]

    first = rehearsed()
    assert first == rehearsed()
    # A replacement is another file system than the one that it replaces.
    assert first[0] != first[1]


@pytest.mark.parametrize(
    "kind", ["Custom::AWSCDK-EKS-KubernetesResource", "Custom::AWSCDK-EKS-HelmChart"]
)
def test_nothing_can_be_removed_from_a_cluster_that_is_gone(kind: str) -> None:
    properties = {"ClusterName": "gone", "Manifest": "[]", "Release": "r"}
    with pytest.raises(ValueError, match="No cluster found for name: gone"):
        HANDLERS[kind]["delete"]("id", properties)


def test_the_emulator_has_none_of_what_is_added_here() -> None:
    """When it learns a type, ours goes."""
    assert not HANDLERS.keys() & _RESOURCE_HANDLERS.keys()
    assert "fsx" not in router.SERVICE_PATTERNS
