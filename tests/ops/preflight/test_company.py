"""Preflight of a company's account: boundary, key, and changes to an existing deployment."""

from __future__ import annotations

from typing import Any

import pytest

from ops.preflight.company import BOUNDARY, KEY, LASTING
from ops.preflight.permissions import needed_actions
from ops.results import StepKind, Verdict
from tests.context import COMPANY
from tests.ops.accounts import one
from tests.ops.reading import of_kind
from tests.simulated.accounts import standing
from tests.simulated.answers import deployed, described_key, key_policy, simulated
from tests.simulated.aws import ACCOUNT, denied, error

ARN = COMPANY["account.kms_key"]


def test_an_existing_boundary_passes() -> None:
    asked = []

    def policy(PolicyArn: str) -> dict[str, Any]:
        asked.append(PolicyArn)
        return {"Policy": {}}

    assert one(BOUNDARY, COMPANY, iam__get_policy=policy).verdict is Verdict.PASS
    assert asked == [COMPANY["account.permissions_boundary"]]


def test_a_missing_boundary_or_another_accounts_fails() -> None:
    missing = one(BOUNDARY, COMPANY, iam__get_policy=error("GetPolicy", "NoSuchEntity", 404))
    others = {"account.permissions_boundary": "arn:aws:iam::999999999999:policy/limits"}
    for result in (missing, one(BOUNDARY, others)):
        assert result.verdict is Verdict.FAIL
        assert ":policy/" in result.said
        assert of_kind(StepKind.OPTIONS, result)


def test_awss_own_policy_may_be_the_boundary_in_any_account() -> None:
    aws = {"account.permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"}
    assert one(BOUNDARY, aws).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (described_key(KeyState="PendingDeletion"), "PendingDeletion"),
        (described_key(KeyState="Disabled"), "Disabled"),
        (described_key(KeySpec="RSA_2048"), "RSA_2048"),
        (described_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"), "HMAC_256"),
        (error("DescribeKey", "NotFoundException"), "does not exist"),
    ],
)
def test_a_key_that_cannot_encrypt_fails(answer: Any, reason: str) -> None:
    result = one(KEY, COMPANY, kms__describe_key=answer)
    assert result.verdict is Verdict.FAIL
    assert ARN in result.said
    assert reason in result.said


def allowed(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt", **more}


ANY_OF_FSX = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*AWSServiceRoleForFSxS3Access*"}}
SCALING = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x/AWSServiceRoleForAutoScaling"}


@pytest.mark.parametrize(
    ("policy", "lacking"),
    [
        (key_policy(), []),
        (key_policy(allowed({"AWS": "*"})), []),
        (key_policy(allowed(SCALING), allowed({"AWS": "*"}, Condition=ANY_OF_FSX)), []),
        (key_policy(allowed(SCALING)), ["AWSServiceRoleForFSxS3Access"]),
        (
            key_policy(allowed({"AWS": "*"}, Condition=ANY_OF_FSX)),
            ["AWSServiceRoleForAutoScaling"],
        ),
        (
            key_policy(allowed({"AWS": "arn:aws:iam::1:role/x"})),
            ["AWSServiceRoleForAutoScaling", "AWSServiceRoleForFSxS3Access"],
        ),
    ],
)
def test_service_roles_that_the_keys_policy_omits_are_named(
    policy: Any, lacking: list[str]
) -> None:
    """The account's own statement lets IAM's policies decide, and theirs name no key."""
    result = one(KEY, COMPANY, kms__get_key_policy=policy)
    assert result.verdict is (Verdict.WARN if lacking else Verdict.PASS)
    roles = ("AWSServiceRoleForAutoScaling", "AWSServiceRoleForFSxS3Access")
    assert [role for role in roles if role in result.said] == lacking


def test_a_policy_that_may_not_be_read_is_no_fault() -> None:
    result = one(KEY, COMPANY, kms__get_key_policy=denied("GetKeyPolicy"))
    assert result.verdict is Verdict.PASS
    assert "policy" in result.said


NO_KEY, NO_PATH = (
    {key: value for key, value in COMPANY.items() if key != f"account.{name}"}
    for name in ("kms_key", "role_path")
)


@pytest.mark.parametrize(
    ("settings", "was", "replaced"),
    [
        ({}, deployed(), []),
        (COMPANY, deployed(COMPANY["account.role_path"], ARN), []),
        # A boundary may be added later, and removed.
        ({"account.permissions_boundary": COMPANY["account.permissions_boundary"]}, deployed(), []),
        (NO_KEY, deployed(), ["cluster", "node groups"]),
        ({}, deployed("/teams/"), ["cluster", "node groups"]),
        (NO_PATH, deployed(), ["cluster", "file system"]),
        ({}, deployed(key=ARN), ["cluster", "file system"]),
    ],
)
def test_an_existing_deployment_keeps_its_path_and_key(
    settings: dict[str, str], was: Any, replaced: list[str]
) -> None:
    result = one(LASTING, settings, standing(), cloudformation__get_template=was)
    assert result.verdict is (Verdict.FAIL if replaced else Verdict.PASS)
    assert all(each in result.said for each in replaced)
    assert bool(result.remedy) == bool(replaced)


def test_a_new_deployment_may_have_any_path_and_key() -> None:
    assert one(LASTING, COMPANY).verdict is Verdict.PASS


def test_rights_are_simulated_with_boundary_path_and_key() -> None:
    """A company may allow only roles with the boundary, below the path, and no new key."""
    asked: dict[str, tuple[str, Any]] = {}

    def simulate(
        ActionNames: list[str], ResourceArns: list[str], ContextEntries: Any, **more: Any
    ) -> dict[str, Any]:
        asked.update(dict.fromkeys(ActionNames, (ResourceArns[0], ContextEntries)))
        return simulated()(ActionNames=ActionNames, ResourceArns=ResourceArns, **more)

    result = one("Permissions", COMPANY, iam__simulate_principal_policy=simulate)
    assert result.verdict is Verdict.PASS
    role, context = asked["iam:CreateRole"]
    assert role.startswith(f"arn:aws:iam::{ACCOUNT}:role/teams/biology/bionemo-on-eks-")
    assert context[0]["ContextKeyValues"] == [COMPANY["account.permissions_boundary"]]
    assert "iam:PutRolePermissionsBoundary" in asked
    for action in ("kms:CreateGrant", "kms:DescribeKey", "kms:Decrypt"):
        assert asked[action][0] == ARN
    assert "kms:CreateKey" in needed_actions()
    assert "kms:CreateKey" not in asked
