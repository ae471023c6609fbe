"""What IAM allows, read in the templates: nobody may do everything, or more than it must."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

CHANGES: list[dict[str, str]] = [
    {},
    {"storage.keep_bucket": "false", "notifications.email": "team@example.org"},
    {"cluster.endpoint": "private", "network.nat_gateways": "per-zone"},
]


def statements(deployment: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, statement) for each policy of an identity in the templates."""
    for stack, name, resource in deployment.all_resources():
        properties = resource.get("Properties", {})
        policies = [each["PolicyDocument"] for each in properties.get("Policies", [])]
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            policies.append(properties["PolicyDocument"])
        for policy in policies:
            for statement in policy["Statement"]:
                yield f"{stack}/{name}", statement


def resource_policies(deployment: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    keys = {
        "AWS::S3::BucketPolicy": "PolicyDocument",
        "AWS::SNS::TopicPolicy": "PolicyDocument",
        "AWS::KMS::Key": "KeyPolicy",
    }
    for stack, name, resource in deployment.all_resources():
        if resource["Type"] in keys:
            for statement in resource["Properties"][keys[resource["Type"]]]["Statement"]:
                yield f"{stack}/{name}", statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def could_be_narrower(action: str) -> bool:
    """Whether IAM lets `action` be limited to a resource (service authorization reference)."""
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    assert data, f"{action}: there is no such action"
    return any(each["resource_arn_format"] != "*" for each in data[service])


@pytest.mark.parametrize("changes", CHANGES)
def test_a_wildcard_stands_only_where_nothing_narrower_works(
    synth: Any, changes: dict[str, str]
) -> None:
    checked = 0
    for where, statement in statements(synth(**changes)):
        checked += 1
        assert statement["Effect"] == "Allow", where
        for action in listed(statement["Action"]):
            assert "*" not in action, (where, action)
            if "*" in [each for each in listed(statement["Resource"]) if isinstance(each, str)]:
                assert not could_be_narrower(action), (where, action)
    assert checked > 5


@pytest.mark.parametrize("changes", CHANGES)
def test_an_action_that_knows_no_resource_is_granted_on_all(
    synth: Any, changes: dict[str, str]
) -> None:
    """Limited to a resource it would be granted on nothing: IAM compares it with `*` alone."""
    for where, statement in statements(synth(**changes)):
        for action in listed(statement["Action"]):
            if not could_be_narrower(action):
                assert listed(statement["Resource"]) == ["*"], (where, action)


@pytest.mark.parametrize("changes", CHANGES)
def test_no_role_is_an_administrator(synth: Any, changes: dict[str, str]) -> None:
    for stack, name, role in synth(**changes).all_resources():
        if role["Type"] == "AWS::IAM::Role":
            managed = json.dumps(role["Properties"].get("ManagedPolicyArns", []))
            assert not any(word in managed for word in ("Administrator", "PowerUser", "FullAccess"))
            assert "*" not in managed, (stack, name)


def test_only_services_and_this_account_may_take_a_role(default: Any) -> None:
    for stack, name, role in default.all_resources():
        if role["Type"] != "AWS::IAM::Role":
            continue
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            principal = statement["Principal"]
            assert principal != "*", (stack, name)
            assert set(principal) <= {"Service", "AWS"}, (stack, name)
            if "AWS" in principal:
                assert ":root" in json.dumps(principal), (stack, name)


def test_pod_identities_are_for_this_clusters_pods_alone(default: Any) -> None:
    """Without a condition, any cluster of the account could hand out the role."""
    roles = [
        role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for _, _, role in default.all_resources()
        if role["Type"] == "AWS::IAM::Role"
        and "pods.eks.amazonaws.com" in json.dumps(role["Properties"]["AssumeRolePolicyDocument"])
    ]
    assert len(roles) == 5
    for role in roles:
        for statement in role:
            conditions = json.dumps(statement["Condition"])
            assert "bionemo-on-eks" in conditions
            assert "kubernetes-service-account" in conditions


def test_public_resource_policies_deny_or_are_conditioned(synth: Any) -> None:
    deployment = synth(**CHANGES[1])
    seen = set()
    for where, statement in resource_policies(deployment):
        seen.add(where.split("/")[0])
        principal = statement["Principal"]
        everybody = principal == "*" or "*" in listed(principal.get("AWS", []))
        if everybody and statement["Effect"] == "Allow":
            assert statement.get("Condition"), where
    assert seen == {"Storage", "Cluster", "Observability"}


@pytest.mark.parametrize("where", ["Storage/DataBucket", "Observability/NotificationsTopic"])
def test_bucket_and_topic_refuse_plain_http(default: Any, where: str) -> None:
    found = [
        statement
        for place, statement in resource_policies(default)
        if place.startswith(where) and statement["Effect"] == "Deny"
    ]
    assert any(
        statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for statement in found
    )
