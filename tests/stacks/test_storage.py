"""The file system and the bucket: who reaches them, what goes to S3, what stays."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk.assertions import Match

from bionemo_eks.jobs.places import FSX, PROCESSED
from bionemo_eks.jobs.workloads.esm1nv import RESULTS, arguments


def test_file_system_is_what_the_blueprint_had_and_newer(default: Any) -> None:
    default.template("Storage").has_resource_properties(
        "AWS::FSx::FileSystem",
        {
            "FileSystemType": "LUSTRE",
            "FileSystemTypeVersion": "2.15",
            "StorageType": "SSD",
            "StorageCapacity": 2400,
            "LustreConfiguration": {
                "DeploymentType": "PERSISTENT_2",
                "PerUnitStorageThroughput": 500,
                "DataCompressionType": "LZ4",
                "AutomaticBackupRetentionDays": 0,
                "LogConfiguration": {"Level": "WARN_ERROR"},
            },
        },
    )


def test_its_log_group_has_a_name_and_an_arn_that_fsx_takes(default: Any) -> None:
    (system,) = default.resources("Storage", "AWS::FSx::FileSystem").values()
    destination = system["Properties"]["LustreConfiguration"]["LogConfiguration"]["Destination"]
    *arn, name = destination["Fn::Join"][1]
    assert arn[-1].endswith(":log-group:")
    group = default.resources("Storage", "AWS::Logs::LogGroup")[name["Ref"]]
    assert group["Properties"]["LogGroupName"].startswith("/aws/fsx/")
    assert group["DeletionPolicy"] == "Delete"


def test_file_system_stands_in_the_gpu_nodes_zone(synth: Any) -> None:
    for zone, number in (("us-west-2a", "1"), ("us-west-2b", "2")):
        deployment = synth(**{"gpu.availability_zone": zone})
        (file_system,) = deployment.resources("Storage", "AWS::FSx::FileSystem").values()
        (group,) = [
            each
            for each in deployment.resources("Cluster", "AWS::EKS::Nodegroup").values()
            if each["Properties"]["Labels"]["NodeGroupType"] == "gpu"
        ]
        assert f"PrivateSubnet{number}" in str(file_system["Properties"]["SubnetIds"])
        assert f"NodeSubnet{number}" in str(group["Properties"]["Subnets"])


def rules(default: Any, direction: str) -> list[dict[str, Any]]:
    (group,) = default.resources("Storage", "AWS::EC2::SecurityGroup").values()
    inline: list[dict[str, Any]] = group["Properties"].get(f"SecurityGroup{direction}", [])
    apart = default.resources("Storage", f"AWS::EC2::SecurityGroup{direction}").values()
    return inline + [each["Properties"] for each in apart]


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_only_lustres_ports_and_only_nodes_and_the_file_servers(
    default: Any, direction: str
) -> None:
    found = rules(default, direction)
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in found} == {
        ("tcp", 988, 988),
        ("tcp", 1018, 1023),
    }
    by_address = {rule["CidrIp"] for rule in found if "CidrIp" in rule}
    assert by_address == {"100.64.0.0/17", "100.64.128.0/17"}
    # The file servers talk to each other; creation fails without it.
    assert len([rule for rule in found if "CidrIp" not in rule]) == 2


def test_the_file_system_waits_for_every_rule(default: Any) -> None:
    """FSx refuses to make one while its group lets no Lustre traffic through."""
    (system,) = default.resources("Storage", "AWS::FSx::FileSystem").values()
    apart = {
        name
        for direction in ("Ingress", "Egress")
        for name in default.resources("Storage", f"AWS::EC2::SecurityGroup{direction}")
    }
    assert apart
    assert apart <= set(system["DependsOn"])


def test_data_set_and_checkpoints_are_linked_both_ways(default: Any) -> None:
    associations = [
        each["Properties"]
        for each in default.resources("Storage", "AWS::FSx::DataRepositoryAssociation").values()
    ]
    assert {each["FileSystemPath"] for each in associations} == {"/processed", "/esm1nv-train"}
    for each in associations:
        events = ["NEW", "CHANGED", "DELETED"]
        assert each["BatchImportMetaDataOnCreate"] is True
        assert each["S3"]["AutoExportPolicy"]["Events"] == events
        assert each["S3"]["AutoImportPolicy"]["Events"] == events


def test_what_the_jobs_write_lies_below_a_linked_path(default: Any) -> None:
    linked = [
        FSX + each["Properties"]["FileSystemPath"]
        for each in default.resources("Storage", "AWS::FSx::DataRepositoryAssociation").values()
    ]
    (results,) = [
        argument.partition("=")[2]
        for argument in arguments(default.settings)
        if argument.startswith("exp_manager.exp_dir=")
    ]
    for written in (PROCESSED, RESULTS, results):
        assert any(written == path or written.startswith(f"{path}/") for path in linked)


def test_associations_are_made_one_after_the_other(default: Any) -> None:
    associations = default.resources("Storage", "AWS::FSx::DataRepositoryAssociation")
    waits = [set(each.get("DependsOn", [])) & set(associations) for each in associations.values()]
    assert sorted(map(len, waits)) == [0, 1]


def test_bucket_is_encrypted_private_versioned_and_kept(default: Any) -> None:
    default.template("Storage").has_resource(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketEncryption": Match.any_value(),
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        },
    )


def test_bucket_refuses_what_is_not_tls(default: Any) -> None:
    (policy,) = default.resources("Storage", "AWS::S3::BucketPolicy").values()
    denied = [
        each
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if each["Effect"] == "Deny"
    ]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [each["Condition"] for each in denied]
    assert all(each["Principal"] == {"AWS": "*"} for each in denied)


def test_bucket_goes_too_when_told(synth: Any) -> None:
    deployment = synth(**{"storage.keep_bucket": "false"})
    deployment.template("Storage").has_resource("AWS::S3::Bucket", {"DeletionPolicy": "Delete"})
    # A bucket with objects in it cannot be deleted.
    deployment.template("Storage").resource_count_is("Custom::S3AutoDeleteObjects", 1)


def test_the_file_system_goes_after_its_last_export(default: Any) -> None:
    """CloudFormation removes what depends on a resource before that resource."""
    (guard,) = default.resources("Storage", "Custom::LustreExportGuard").values()
    (system,) = default.resources("Storage", "AWS::FSx::FileSystem")
    assert guard["Properties"]["FileSystemId"] == {"Ref": system}
    associations = default.resources("Storage", "AWS::FSx::DataRepositoryAssociation")
    assert {system, *associations} <= set(guard["DependsOn"])
    (function,) = default.resources("Storage", "AWS::Lambda::Function").values()
    # Its rights must outlast it, and its log group must go with the stack.
    assert set(default.resources("Storage", "AWS::IAM::Policy")) <= set(function["DependsOn"])
    group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert default.json("Storage")["Resources"][group]["DeletionPolicy"] == "Delete"


def test_a_bucket_that_goes_too_waits_for_nothing(synth: Any) -> None:
    deployment = synth(**{"storage.keep_bucket": "false"})
    assert deployment.resources("Storage", "Custom::LustreExportGuard") == {}
