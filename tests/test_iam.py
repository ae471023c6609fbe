"""IAM permissions in the templates: no identity may do everything, or more than it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from tests.context import COMPANY

CHANGES: list[dict[str, str]] = [
    {},
    {
        "storage.keep_bucket": "false",
        "notifications.email": "team@example.org",
        "training.image_pull_secret": "team/ngc",
    },
    {
        **COMPANY,
        "cluster.endpoint": "private",
        "network.nat_gateways": "per-zone",
        "gpu.purchase": "capacity-block",
        "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
    },
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


def reference(action: str) -> list[dict[str, Any]]:
    """The rows of the service authorization reference for an action, one per resource type.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
    """
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    assert data, f"{action}: there is no such action"
    rows: list[dict[str, Any]] = data[service]
    return rows


def could_be_narrower(action: str) -> bool:
    """Whether IAM lets `action` be limited to a resource."""
    return any(each["resource_arn_format"] != "*" for each in reference(action))


# The ARN that `Fn::GetAtt ... Arn` of a resource stands for.
ARNS = {
    "AWS::EKS::Cluster": "arn:aws:eks:x:x:cluster/x",
    "AWS::Lambda::Function": "arn:aws:lambda:x:x:function:x",
    "AWS::Logs::LogGroup": "arn:aws:logs:x:x:log-group:x:*",
    "AWS::S3::Bucket": "arn:aws:s3:::x",
}


def as_text(value: Any, types: dict[str, str]) -> str:
    """A statement's resource as IAM receives it, with `x` for what only AWS knows."""
    match value:
        case str():
            return value
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(as_text(each, types) for each in parts)
        case {"Fn::GetAtt": [name, "Arn"]}:
            return ARNS[types[name]]
    return "x"


def fits(resource: str, row: dict[str, Any]) -> bool:
    """Whether a resource is, or with its wildcards can be, of the row's type."""
    kind = row["resource_arn_format"].replace("${Partition}", "aws")
    return kind != "*" and meet(resource, re.sub(r"\$\{\w+\}", "*", kind))


@cache
def meet(one: str, other: str) -> bool:
    """Whether there is a text that matches both, `*` being any text."""
    if not (one and other):
        return not (one + other).strip("*")
    if one[0] == "*":
        return meet(one[1:], other) or meet(one, other[1:])
    if other[0] == "*":
        return meet(other, one)
    return one[0] == other[0] and meet(one[1:], other[1:])


@pytest.mark.parametrize("changes", CHANGES)
def test_a_wildcard_is_used_only_where_nothing_narrower_works(
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
def test_an_action_without_resource_types_is_granted_on_all(
    synth: Any, changes: dict[str, str]
) -> None:
    """Limited to a resource it would grant nothing: IAM only matches `*`."""
    for where, statement in statements(synth(**changes)):
        for action in listed(statement["Action"]):
            if not could_be_narrower(action):
                assert listed(statement["Resource"]) == ["*"], (where, action)


@pytest.mark.parametrize("changes", CHANGES)
def test_a_named_resource_is_of_a_type_that_the_action_supports(
    synth: Any, changes: dict[str, str]
) -> None:
    """An ARN of another type, or with an extra part, would grant nothing."""
    deployment = synth(**changes)
    types = {name: each["Type"] for _, name, each in deployment.all_resources()}
    checked = 0
    for where, statement in statements(deployment):
        for resource in (as_text(each, types) for each in listed(statement["Resource"])):
            for action in listed(statement["Action"]) if resource != "*" else []:
                checked += 1
                assert any(fits(resource, row) for row in reference(action)), (
                    where,
                    action,
                    resource,
                )
    assert checked > 5


def test_a_condition_key_is_one_that_the_action_supports(default: Any) -> None:
    """A key that the action does not support is never present, so `StringEquals` is never true."""
    checked = 0
    for where, statement in statements(default):
        for key in (key for each in statement.get("Condition", {}).values() for key in each):
            for action in listed(statement["Action"]):
                checked += 1
                known = {key for row in reference(action) for key in row["condition_keys"]}
                generic = re.sub(r"/.*", "/${TagKey}", key)
                assert generic in known, (where, action, key)
    assert checked


@pytest.mark.parametrize("changes", CHANGES)
def test_no_role_is_an_administrator(synth: Any, changes: dict[str, str]) -> None:
    for stack, name, role in synth(**changes).all_resources():
        if role["Type"] == "AWS::IAM::Role":
            managed = json.dumps(role["Properties"].get("ManagedPolicyArns", []))
            assert not any(word in managed for word in ("Administrator", "PowerUser", "FullAccess"))
            assert "*" not in managed, (stack, name)


def test_only_services_and_this_account_may_assume_a_role(default: Any) -> None:
    for stack, name, role in default.all_resources():
        if role["Type"] != "AWS::IAM::Role":
            continue
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            principal = statement["Principal"]
            assert principal != "*", (stack, name)
            assert set(principal) <= {"Service", "AWS"}, (stack, name)
            if "AWS" in principal:
                assert ":root" in json.dumps(principal), (stack, name)


def test_pod_identities_are_only_for_this_clusters_pods(default: Any) -> None:
    """Without a condition, any cluster in the account could use the role."""
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


def test_public_resource_policies_deny_or_have_a_condition(synth: Any) -> None:
    deployment = synth(**CHANGES[1])
    seen = set()
    for where, statement in resource_policies(deployment):
        seen.add(where.split("/")[0])
        principal = statement["Principal"]
        everyone = principal == "*" or "*" in listed(principal.get("AWS", []))
        if everyone and statement["Effect"] == "Allow":
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
