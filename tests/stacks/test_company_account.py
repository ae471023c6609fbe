"""What a company's account requires: boundary, path and key, in all stacks' templates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.context import COMPANY

# Each synthesizes.
pytestmark = pytest.mark.slow

BOUNDARY, PATH, KEY = COMPANY.values()
# Together they have every role that the app can create, including CDK's own.
WITH_ALL_ROLES = (
    {"storage.keep_bucket": "false", "training.image_pull_secret": "team/ngc"},
    {
        "cluster.endpoint": "private",
        "network.nat_gateways": "per-zone",
        "gpu.purchase": "capacity-block",
        "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
    },
)
# What holds data at rest; messages, logs, and functions' variables stay with AWS's own keys.
ENCRYPTED = {
    "AWS::EC2::LaunchTemplate": "KmsKeyId",
    "AWS::EKS::Cluster": "KeyArn",
    "AWS::FSx::FileSystem": "KmsKeyId",
    "AWS::S3::Bucket": "KMSMasterKeyID",
}
UNTOUCHED = {"AWS::SNS::Topic", "AWS::Logs::LogGroup", "AWS::Lambda::Function"}


@pytest.fixture(scope="module", params=WITH_ALL_ROLES, ids=["bucket deleted", "private"])
def resources(request: pytest.FixtureRequest, synth: Any) -> list[tuple[str, str, Any]]:
    found: list[tuple[str, str, Any]] = synth(**COMPANY, **request.param).all_resources()
    return found


def values_of(name: str, held: Any) -> Iterator[Any]:
    """Every value under a property's name, at any depth."""
    if isinstance(held, dict):
        for key, value in held.items():
            if key == name:
                yield value
            yield from values_of(name, value)
    elif isinstance(held, list):
        for each in held:
            yield from values_of(name, each)


def test_every_role_has_boundary_and_path(resources: list[tuple[str, str, Any]]) -> None:
    roles = [
        (stack, name, each["Properties"])
        for stack, name, each in resources
        if each["Type"] == "AWS::IAM::Role"
    ]
    assert len(roles) > 10
    without = [
        (stack, name)
        for stack, name, held in roles
        if (held.get("PermissionsBoundary"), held.get("Path")) != (BOUNDARY, PATH)
    ]
    assert without == []


def test_no_role_is_created_outside_these_templates(
    resources: list[tuple[str, str, Any]],
) -> None:
    """In a nested stack, or created by IAM's other resources with a path or a boundary."""
    kinds = {each["Type"] for _, _, each in resources}
    assert "AWS::CloudFormation::Stack" not in kinds
    assert {kind for kind in kinds if kind.startswith("AWS::IAM::")} == {
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
    }


def test_every_encrypted_resource_names_the_key(resources: list[tuple[str, str, Any]]) -> None:
    seen = set()
    for stack, name, each in resources:
        keyed = ENCRYPTED.get(each["Type"])
        if keyed:
            assert set(values_of(keyed, each["Properties"])) == {KEY}, (stack, name)
            seen.add(each["Type"])
    assert seen == set(ENCRYPTED)
    # Neither a new one, nor one that CDK would require.
    assert "AWS::KMS::Key" not in {each["Type"] for _, _, each in resources}


def test_nothing_else_names_a_key(resources: list[tuple[str, str, Any]]) -> None:
    """A new type with a key belongs in one of the two lists."""
    keyed = {"KmsKeyId", "KmsKeyArn", "KmsMasterKeyId", "KeyArn", "KMSMasterKeyID"}
    named = {
        each["Type"]
        for _, _, each in resources
        for name in keyed
        if [*values_of(name, each.get("Properties", {}))]
    }
    assert named == set(ENCRYPTED)
    assert {each["Type"] for _, _, each in resources} > UNTOUCHED


def test_the_export_guard_may_decrypt_the_manifest(synth: Any) -> None:
    deployment = synth(**COMPANY, **WITH_ALL_ROLES[1])
    statements = [
        statement
        for each in deployment.resources("Storage", "AWS::IAM::Policy").values()
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
    ]
    (decrypting,) = [each for each in statements if each["Action"] == "kms:Decrypt"]
    assert decrypting["Resource"] == KEY
    assert decrypting["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.us-west-2.amazonaws.com"}
    }


def test_without_these_settings_no_template_mentions_them(default: Any) -> None:
    text = json.dumps([each for _, _, each in default.all_resources()])
    assert "PermissionsBoundary" not in text
    assert not [
        name
        for _, name, each in default.all_resources()
        if each["Type"] == "AWS::IAM::Role" and "Path" in each["Properties"]
    ]


@pytest.mark.parametrize(
    "setting", ["account.bootstrap_qualifier", "@aws-cdk/core:bootstrapQualifier"]
)
def test_the_stacks_are_deployed_by_the_bootstrap_of_the_qualifier(
    synth: Any, setting: str
) -> None:
    for stack in synth(**{setting: "mine"}).assembly.stacks:
        assert "cdk-mine-deploy-role-" in str(stack.assume_role_arn)
        assert stack.bootstrap_stack_version_ssm_parameter == "/cdk-bootstrap/mine/version"
