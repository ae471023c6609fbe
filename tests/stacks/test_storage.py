"""The Storage stack: where the file system is, what goes to S3, what stays."""

from __future__ import annotations

from typing import Any

import pytest

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


def test_the_file_system_is_in_the_gpu_nodes_zone(synth: Any) -> None:
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


def test_only_the_nodes_subnets_are_clients(default: Any) -> None:
    rules = [
        rule
        for kind in ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress")
        for each in default.resources("Storage", kind).values()
        for rule in each["Properties"].get("SecurityGroupIngress", [each["Properties"]])
    ]
    nodes = {
        each["Properties"]["CidrBlock"]
        for name, each in default.resources("Network", "AWS::EC2::Subnet").items()
        if "NodeSubnet" in name
    }
    assert len(nodes) == 2
    assert {rule["CidrIp"] for rule in rules if "CidrIp" in rule} == nodes


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


def test_the_file_system_is_deleted_after_its_last_export(default: Any) -> None:
    """CloudFormation removes what depends on a resource before that resource."""
    (guard,) = default.resources("Storage", "Custom::LustreExportGuard").values()
    (system,) = default.resources("Storage", "AWS::FSx::FileSystem")
    assert guard["Properties"]["FileSystemId"] == {"Ref": system}
    associations = default.resources("Storage", "AWS::FSx::DataRepositoryAssociation")
    assert {system, *associations} <= set(guard["DependsOn"])


@pytest.mark.parametrize(("keep", "policy"), [("true", "Retain"), ("false", "Delete")])
def test_the_bucket_is_kept_by_default(synth: Any, keep: str, policy: str) -> None:
    deployment = synth(**{"storage.keep_bucket": keep})
    (bucket,) = deployment.resources("Storage", "AWS::S3::Bucket").values()
    assert bucket["DeletionPolicy"] == policy


def test_a_bucket_that_is_deleted_with_its_stack_waits_for_no_export(synth: Any) -> None:
    deployment = synth(**{"storage.keep_bucket": "false"})
    assert deployment.resources("Storage", "Custom::LustreExportGuard") == {}
