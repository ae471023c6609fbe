"""The added types refuse what AWS refuses: missing references and invalid values."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.core import router

from rehearsal.local_aws import private
from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types import TYPES
from rehearsal.local_aws.types.provisioner import Properties, Provisioner
from tests.rehearsal.local_aws.shared import ABSENT, REFUSALS, ROLE

OTHER = ROLE.replace("present", "other")


class Types:
    """The types as entries of the emulator's table, in a stack of the tests."""

    def __init__(self) -> None:
        self._handlers = Provisioner().handlers(TYPES)

    def create(self, kind: str, properties: Properties) -> str:
        made: tuple[str, Properties] = self._handlers[kind]["create"](
            "Logical", properties, "stack"
        )
        return made[0]

    def update(self, kind: str, physical_id: str, old: Properties, new: Properties) -> str:
        made: tuple[str, Properties] = self._handlers[kind]["update"](
            physical_id, old, new, "stack", "Logical"
        )
        return made[0]

    def delete(self, kind: str, physical_id: str, properties: Properties) -> None:
        self._handlers[kind]["delete"](physical_id, properties)


@pytest.fixture
def types() -> Types:
    return Types()


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
        ("AWS::EC2::FlowLog", FLOW_LOG | {"DeliverLogsPermissionArn": ABSENT}, "absent not found"),
        ("AWS::EC2::VPCCidrBlock", BLOCK | {"VpcId": "vpc-9"}, "'vpc-9' does not exist"),
        ("AWS::EC2::VPCCidrBlock", BLOCK | {"CidrBlock": "100.64.0.0/15"}, "/16 to /28"),
        ("AWS::EC2::VPCCidrBlock", BLOCK | {"CidrBlock": "100.64.0.0/29"}, "/16 to /28"),
        ("AWS::EC2::VPCCidrBlock", BLOCK | {"CidrBlock": "10.1.4.0/24"}, "conflicts with another"),
        (
            "AWS::EC2::SecurityGroupIngress",
            RULE | {"GroupId": "sg-9"},
            "DescribeSecurityGroups.*sg-9",
        ),
        (
            "AWS::EC2::SecurityGroupIngress",
            RULE | {"SourceSecurityGroupId": "sg-9"},
            "DescribeSecurityGroups.*sg-9",
        ),
        ("AWS::FSx::FileSystem", file_system(SubnetIds=["subnet-9"]), "does not exist"),
        ("AWS::FSx::FileSystem", file_system(SubnetIds=["subnet-1", "subnet-2"]), "exactly one"),
        (
            "AWS::FSx::FileSystem",
            file_system(SecurityGroupIds=["sg-9"]),
            "DescribeSecurityGroups.*sg-9",
        ),
        ("AWS::FSx::FileSystem", file_system(StorageCapacity=3600), "storage capacity: 3600"),
        ("AWS::FSx::FileSystem", file_system(StorageCapacity=0), "storage capacity: 0"),
        ("AWS::FSx::FileSystem", file_system({"PerUnitStorageThroughput": 200}), "Throughput"),
        ("AWS::FSx::FileSystem", file_system(FileSystemTypeVersion="2.10"), "TypeVersion"),
        (
            "AWS::FSx::DataRepositoryAssociation",
            {"FileSystemId": "fs-9", "FileSystemPath": "/a", "DataRepositoryPath": "s3://bucket/a"},
            "'fs-9' does not exist",
        ),
        ("AWS::EKS::AccessEntry", ENTRY | {"PrincipalArn": ABSENT}, "absent not found"),
        ("AWS::EKS::AccessEntry", ENTRY | {"PrincipalArn": "Admin"}, "invalid principal"),
        ("AWS::EKS::PodIdentityAssociation", IDENTITY | {"RoleArn": ABSENT}, "absent not found"),
        ("AWS::EKS::PodIdentityAssociation", IDENTITY | {"RoleArn": "r"}, "Invalid role ARN"),
        ("AWS::EKS::Addon", ADDON | {"AddonName": "vpc-cnn"}, "vpc-cnn specified is not supported"),
        ("AWS::EKS::Addon", ADDON | {"ClusterName": "other"}, "No cluster found for name: other"),
        (
            "AWS::EKS::Addon",
            ADDON | {"PodIdentityAssociations": [{"ServiceAccount": "s", "RoleArn": ABSENT}]},
            "absent not found",
        ),
    ],
)
def test_missing_references_and_invalid_values_are_refused(
    types: Types, real: Any, kind: str, properties: Properties, reason: str
) -> None:
    with pytest.raises(REFUSALS, match=reason):
        types.create(kind, real(properties))


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
def test_existing_references_are_accepted(
    types: Types, real: Any, kind: str, properties: Properties
) -> None:
    given = real(properties)
    types.delete(kind, types.create(kind, given), given)


def test_fsx_does_not_link_nested_prefixes_or_folders(types: Types, real: Any) -> None:
    given = real(file_system())
    system = types.create("AWS::FSx::FileSystem", given)

    def link(folder: str, address: str) -> str:
        properties = {
            "FileSystemId": system,
            "FileSystemPath": folder,
            "DataRepositoryPath": real({"a": address})["a"],
        }
        return types.create("AWS::FSx::DataRepositoryAssociation", properties)

    link("/a", "s3://bucket/a")
    link("/ab", "s3://bucket/ab")
    for folder, address in (("/a/b", "s3://bucket/c"), ("/c", "s3://bucket/a/b")):
        with pytest.raises(ValueError, match="overlaps"):
            link(folder, address)
    with pytest.raises(ValueError, match="overlaps"):
        link("/d", "s3://bucket")
    types.delete("AWS::FSx::FileSystem", system, given)


@pytest.mark.usefixtures("ids")
def test_a_role_in_another_account_is_not_looked_up(types: Types) -> None:
    given = ENTRY | {"PrincipalArn": "arn:aws:iam::999988887777:role/Admin"}
    types.delete("AWS::EKS::AccessEntry", types.create("AWS::EKS::AccessEntry", given), given)


@pytest.mark.usefixtures("ids")
def test_a_pods_role_changes_in_place(types: Types) -> None:
    kind, changed = "AWS::EKS::PodIdentityAssociation", IDENTITY | {"RoleArn": OTHER}
    made = types.create(kind, IDENTITY)
    assert types.update(kind, made, IDENTITY, changed) == made
    asked = {"clusterName": "cluster", "associationId": made.rpartition("/")[2]}
    association = client("eks").describe_pod_identity_association(**asked)["association"]
    assert association["roleArn"] == OTHER
    types.delete(kind, made, changed)


def test_attributes_outlive_an_update_in_place(real: Any) -> None:
    """Otherwise CloudFormation would not find the file system's name for Fn::GetAtt."""
    handler = Provisioner().handlers(TYPES)["AWS::FSx::FileSystem"]
    before, after = real(file_system()), real(file_system(StorageCapacity="4800"))
    made, attributes = handler["create"]("Logical", before, "stack")
    assert handler["update"](made, before, after, "stack", "Logical") == (made, attributes)


def test_a_file_systems_id_is_the_same_in_every_rehearsal(real: Any) -> None:
    def rehearsed() -> list[str]:
        types = Types()
        return [types.create("AWS::FSx::FileSystem", real(file_system())) for _ in range(2)]

    first = rehearsed()
    assert first == rehearsed()
    # A replacement has another id.
    assert first[0] != first[1]


@pytest.mark.parametrize(
    "kind", ["Custom::AWSCDK-EKS-KubernetesResource", "Custom::AWSCDK-EKS-HelmChart"]
)
def test_nothing_can_be_removed_from_a_cluster_that_is_gone(types: Types, kind: str) -> None:
    properties = {"ClusterName": "gone", "Manifest": "[]", "Release": "r"}
    with pytest.raises(ClientError, match="No cluster found for name: gone"):
        types.delete(kind, "id", properties)


@pytest.mark.usefixtures("ids")
def test_a_bucket_is_emptied_of_every_version_before_it_is_deleted(types: Types) -> None:
    s3, given = client("s3"), {"BucketName": "versions"}
    s3.create_bucket(Bucket="versions")
    enabled = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration=enabled)
    for body in (b"1", b"2"):
        s3.put_object(Bucket="versions", Key="a", Body=body)
    s3.delete_object(Bucket="versions", Key="a")
    for _ in range(2):
        # The second time it has been removed already.
        types.delete("Custom::S3AutoDeleteObjects", "id", given)
        if "versions" in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
            s3.delete_bucket(Bucket="versions")


def test_the_emulator_lacks_the_types_that_are_added_here() -> None:
    """Once it has a type, remove ours."""
    assert not TYPES.keys() & private.RESOURCE_TYPES.value.keys()
    assert "fsx" not in router.SERVICE_PATTERNS
