"""A change of what must last is noticed, and the message states the consequence."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lasting.comparison import additions, losses
from tests.lasting.consequences import WHY
from tests.lasting.extraction import Items, create_only, lasting
from tests.lasting.storage import load, write

Record = dict[str, Any]
FILE_SYSTEM, GROUP = "AWS::FSx::FileSystem", "AWS::EC2::SecurityGroup"
BUCKET, CLUSTER, KEY = "AWS::S3::Bucket", "AWS::EKS::Cluster", "AWS::KMS::Key"
CHART, MANIFEST = "Custom::AWSCDK-EKS-HelmChart", "Custom::AWSCDK-EKS-KubernetesResource"
NODES = "AWS::EKS::Nodegroup"


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Items]:
    return load()


@pytest.fixture
def before(snapshot: dict[str, Items]) -> Items:
    return snapshot["defaults"]


@pytest.fixture
def after(before: Items) -> Items:
    return copy.deepcopy(before)


def find(
    items: Items, stack: str, kind: str, fits: Callable[[Record], bool] = bool
) -> tuple[str, Record]:
    """Return id and record of the one matching resource of a type."""
    (found,) = [
        (name, record)
        for (its_stack, _, name), record in items.items()
        if its_stack == stack and record.get("type") == kind and fits(record)
    ]
    return found


def holds(text: str) -> Callable[[Record], bool]:
    return lambda record: any(text in each for each in record["objects"])


def the_one(before: Items, after: Items) -> str:
    (message,) = losses(before, after)
    return message


def test_without_a_change_nothing_is_lost(before: Items, after: Items) -> None:
    assert losses(before, after) == []


def test_additions_lose_nothing(before: Items, after: Items) -> None:
    after["Storage", "resources", "Another"] = {"type": BUCKET, "properties": {}}
    after["Another", "stack", "Another"] = {"name": "another"}
    find(after, "Workload", MANIFEST, holds("PyTorchJob"))[1]["objects"].append("v1 Secret a/b")
    assert losses(before, after) == []
    assert additions(before, after) == [
        "Another: stack Another",
        "Storage: resources Another",
    ]


def test_a_reworded_description_replaces_its_group(before: Items, after: Items) -> None:
    name, record = find(after, "Storage", GROUP)
    was = record["properties"]["GroupDescription"]
    record["properties"]["GroupDescription"] = "Lustre"
    assert the_one(before, after).startswith(
        f"Storage: {name} ({GROUP}) would be REPLACED: create-only property GroupDescription "
        f'changed from "{was}" to "Lustre". {WHY[GROUP]} Also replaced: {FILE_SYSTEM}, '
    )


@pytest.mark.parametrize("now", [["${Another.GroupId}"], None])
def test_different_security_groups_replace_the_file_system(
    before: Items, after: Items, now: list[str] | None
) -> None:
    name, record = find(after, "Storage", FILE_SYSTEM)
    was = record["properties"].pop("SecurityGroupIds")
    if now:
        record["properties"]["SecurityGroupIds"] = now
    assert the_one(before, after).startswith(
        f"Storage: {name} ({FILE_SYSTEM}) would be REPLACED: create-only property SecurityGroupIds "
        f"changed from {json.dumps(was)} to {json.dumps(now) if now else 'nothing'}. "
        f"{WHY[FILE_SYSTEM]}"
    )


def test_a_new_create_only_property_replaces_too(before: Items, after: Items) -> None:
    _, record = find(after, "Storage", FILE_SYSTEM)
    record["properties"]["KmsKeyId"] = "${Key}"
    assert 'REPLACED: create-only property KmsKeyId changed from nothing to "${Key}"' in the_one(
        before, after
    )


def test_a_different_bucket_name_replaces_the_bucket(before: Items, after: Items) -> None:
    _, record = find(after, "Storage", BUCKET)
    record["properties"]["BucketName"] = "data"
    message = the_one(before, after)
    assert 'REPLACED: create-only property BucketName changed from "bionemo-on-eks-$' in message
    assert f'to "data". {WHY[BUCKET]}' in message


def test_a_bucket_that_is_no_longer_kept(before: Items, after: Items) -> None:
    _, record = find(after, "Storage", BUCKET)
    del record["deletion"]
    assert "no longer be KEPT: its DeletionPolicy was Retain, is Delete" in the_one(before, after)


def test_a_different_logical_id_is_a_different_resource(before: Items, after: Items) -> None:
    name, _ = find(after, "Cluster", KEY)
    after["Cluster", "resources", "Renamed"] = after.pop(("Cluster", "resources", name))
    assert the_one(before, after).startswith(
        f"Cluster: the logical id of {name} ({KEY}) changed to Renamed: CloudFormation would "
        f"DELETE the old one and create the new one. {WHY[KEY]} Also replaced: {CLUSTER}, "
    )


def test_a_resource_that_is_gone_is_deleted(before: Items, after: Items) -> None:
    name, _ = find(after, "Cluster", CLUSTER)
    del after["Cluster", "resources", name]
    assert the_one(before, after).startswith(
        f"Cluster: logical id {name} of {CLUSTER} is gone: CloudFormation would DELETE it. "
        f"{WHY[CLUSTER]} Also replaced: {NODES} (2), "
    )


def test_a_kept_resource_that_is_gone_is_left_behind(before: Items, after: Items) -> None:
    name, _ = find(after, "Storage", BUCKET)
    del after["Storage", "resources", name]
    assert "is gone: CloudFormation would leave it BEHIND" in the_one(before, after)


def test_a_resource_that_moves_to_another_stack_is_deleted(before: Items, after: Items) -> None:
    name, _ = find(after, "Cluster", KEY)
    after["Storage", "resources", name] = after.pop(("Cluster", "resources", name))
    assert the_one(before, after).startswith(f"Cluster: logical id {name} of {KEY} is gone")


def test_a_different_type_is_refused(before: Items, after: Items) -> None:
    _, record = find(after, "Cluster", KEY)
    record["type"] = "AWS::KMS::ReplicaKey"
    assert "could not be UPDATED by CloudFormation: it is now AWS::KMS::ReplicaKey" in the_one(
        before, after
    )


def test_a_node_group_cannot_have_another_launch_template(before: Items, after: Items) -> None:
    for (_, _, name), record in after.items():
        if record.get("type") == NODES:
            record["properties"]["LaunchTemplate/Id"] = f"${{{name}Template}}"
    messages = losses(before, after)
    assert len(messages) == 2
    for message in messages:
        assert "could not be UPDATED by EKS: property LaunchTemplate/Id changed" in message


def test_a_different_service_token_is_refused(before: Items, after: Items) -> None:
    _, record = find(after, "Workload", MANIFEST, holds("PyTorchJob"))
    record["properties"]["ServiceToken"] = "${import another}"
    assert "could not be UPDATED by CloudFormation: property ServiceToken changed" in the_one(
        before, after
    )


def test_a_renamed_chart_is_installed_next_to_the_old_one(before: Items, after: Items) -> None:
    _, record = find(after, "Addons", CHART, lambda each: "nvidia" in str(each["properties"]))
    record["properties"] |= {"Release": "gpus", "Namespace": "gpus"}
    messages = losses(before, after)
    assert [each.split(" ONCE MORE")[0].split()[-1] for each in messages] == ["installed"] * 2
    assert 'property Namespace changed from "nvidia-device-plugin" to "gpus"' in messages[0]


@pytest.mark.parametrize("now", ["batch/v1 Job default/uniref50-<hash>", None])
def test_a_renamed_or_removed_job_prunes_the_old_one(
    before: Items, after: Items, now: str | None
) -> None:
    was = "batch/v1 Job default/uniref50-download-<hash>"
    name, record = find(after, "Workload", MANIFEST, holds(was))
    record["objects"] = [each for each in record["objects"] if each != was] + [now] * bool(now)
    assert the_one(before, after) == (
        f"Workload: {name} ({MANIFEST}): object {was} has left this manifest: "
        "kubectl apply --prune would DELETE it."
    )


def test_what_kubectl_does_not_prune_would_stay(before: Items, after: Items) -> None:
    was = "kubeflow.org/v1 PyTorchJob default/esm1nv-pretraining"
    name, record = find(after, "Workload", MANIFEST, holds(was))
    others = [each for each in record["objects"] if each != was]
    record["objects"] = [*others, "kubeflow.org/v1 PyTorchJob default/another"]
    assert the_one(before, after) == (
        f"Workload: {name} ({MANIFEST}): object {was} has left this manifest: "
        "kubectl apply --prune removes no PyTorchJob, so it would stay BEHIND and keep working."
    )


def test_exports_outputs_and_stack_names_are_checked(before: Items, after: Items) -> None:
    export, *_ = (name for stack, section, name in before if section == "exports")
    (stack,) = (stack for stack, _, name in before if name == export)
    after[stack, "exports", export] = {"value": "${Another}"}
    assert f"the value of the export {export} changed" in the_one(before, after)
    del after[stack, "exports", export]
    assert f"the export {export} is gone" in the_one(before, after)
    after = copy.deepcopy(before)
    del after["Storage", "outputs", "BucketName"]
    assert "the output BucketName is gone" in the_one(before, after)
    after = copy.deepcopy(before)
    after["Storage", "stack", "Storage"] = {"name": "lustre"}
    assert "its name changed from bionemo-on-eks-storage to lustre" in the_one(before, after)
    after = {key: each for key, each in before.items() if key[0] != "Storage"}
    assert the_one(before, after) == "Storage: the stack is gone, with everything in it."


def test_what_is_written_is_read_back(snapshot: dict[str, Items], tmp_path: Path) -> None:
    write(snapshot, tmp_path / "snapshot.yaml")
    assert load(tmp_path / "snapshot.yaml") == snapshot


def test_the_schemas_cover_the_two_traps() -> None:
    assert "GroupDescription" in create_only(GROUP)
    assert "SecurityGroupIds" in create_only(FILE_SYSTEM)


def test_references_and_hashes_are_readable() -> None:
    manifest = [
        '[{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"a","name":"b-0123abcd",'
        '"labels":{"volume":"',
        {"Fn::ImportValue": "volume"},
        '"}}}]',
    ]
    resources = {
        "Group": {"Type": GROUP, "Properties": {"GroupDescription": "x", "VpcId": {"Ref": "Vpc"}}},
        "Pods": {
            "Type": MANIFEST,
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": ["Provider", "Arn"]},
                "Manifest": {"Fn::Join": ["", manifest]},
            },
        },
        "Provider": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "index.handler"}},
        "Handler": {"Type": "AWS::Lambda::Function"},
    }
    assert lasting({"Some": ("a-name", {"Resources": resources})}) == {
        ("Some", "stack", "Some"): {"name": "a-name"},
        ("Some", "resources", "Group"): {
            "type": GROUP,
            "properties": {"GroupDescription": "x", "VpcId": "${Vpc}"},
        },
        ("Some", "resources", "Pods"): {
            "type": MANIFEST,
            "properties": {"ServiceToken": "${Provider.Arn}"},
            "objects": ["v1 Pod a/b-<hash>"],
        },
        ("Some", "resources", "Provider"): {"type": "AWS::Lambda::Function", "properties": {}},
    }
