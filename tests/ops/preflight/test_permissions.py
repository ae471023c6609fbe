"""Preflight's check of what the caller, and CloudFormation for them, may do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops.preflight.permissions import needed_actions, permissions, principal
from ops.results import StepKind, Verdict
from tests.ops.accounts import GIVEN_VPC, one
from tests.ops.reading import commands, of_kind
from tests.simulated.accounts import good, simulated_deployment
from tests.simulated.answers import simulated
from tests.simulated.aws import ACCOUNT


def test_the_role_of_a_session_is_asked_of_iam_because_it_may_have_a_path() -> None:
    asked: list[str] = []

    def simulate(PolicySourceArn: str, **more: Any) -> dict[str, Any]:
        asked.append(PolicySourceArn)
        return simulated()(PolicySourceArn=PolicySourceArn, **more)

    result = one("Permissions", {}, iam__simulate_principal_policy=simulate)
    assert result.verdict is Verdict.PASS
    assert asked[0].endswith(":role/aws-reserved/sso.amazonaws.com/Engineer")
    assert ":role/cdk-hnb659fds-cfn-exec-role-" in asked[1]


def test_a_user_is_simulated_as_itself() -> None:
    user = "arn:aws:iam::111122223333:user/me"
    assert principal(replace(simulated_deployment({}, good()), caller=user)) == user


@pytest.mark.parametrize("refused", ["deploy-role", "file-publishing-role"])
def test_a_caller_without_cdks_roles_is_told_which_to_allow(refused: str) -> None:
    result = one("Permissions", {}, iam__simulate_principal_policy=simulated(refused))
    assert result.verdict is Verdict.FAIL
    role = f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-{{}}-{ACCOUNT}-us-west-2"
    assert of_kind(StepKind.ARN, result) == [
        role.format("deploy-role"),
        role.format("file-publishing-role"),
    ]


def test_what_cloudformation_may_not_create_is_named_with_the_bootstrap_that_allows_it() -> None:
    answer: Any = {"iam__simulate_principal_policy": simulated("fsx:CreateFileSystem")}
    result = one("Permissions", {}, **answer)
    assert result.verdict is Verdict.FAIL
    assert "fsx:CreateFileSystem" in result.said
    assert "eks:CreateCluster" not in result.said
    (bootstrap,) = commands(result)
    assert bootstrap.startswith("npx cdk bootstrap --cloudformation-execution-policies")


def test_each_action_is_simulated_on_what_it_is_done_to() -> None:
    """Otherwise a policy that allows it only on the deployment's resources seems to deny it."""
    asked: dict[str, str] = {}

    def simulate(ActionNames: list[str], ResourceArns: list[str], **more: Any) -> dict[str, Any]:
        asked.update(dict.fromkeys(ActionNames, ResourceArns[0]))
        return simulated()(ActionNames=ActionNames, ResourceArns=ResourceArns, **more)

    assert one("Permissions", {}, iam__simulate_principal_policy=simulate).verdict is Verdict.PASS
    assert set(needed_actions()) <= set(asked)
    assert asked["iam:PassRole"].startswith(f"arn:aws:iam::{ACCOUNT}:role/bionemo-on-eks-cluster-")
    assert "/aws-service-role/" in asked["iam:CreateServiceLinkedRole"]
    assert asked["s3:CreateBucket"] == f"arn:aws:s3:::bionemo-on-eks-{ACCOUNT}-us-west-2"
    assert asked["eks:CreateNodegroup"] == "*"


def test_of_many_refused_actions_the_first_are_named_with_the_file_that_lists_all() -> None:
    answer: Any = {"iam__simulate_principal_policy": simulated(*needed_actions())}
    result = one("Permissions", {}, **answer)
    assert result.verdict is Verdict.FAIL
    assert len(result.said) < 400
    assert str(len(needed_actions()) - 8) in result.said
    assert "actions.yaml" in result.remedy[0].text


def test_the_root_user_gets_a_warning_because_iam_does_not_simulate_it() -> None:
    root = replace(simulated_deployment({}, good()), caller=f"arn:aws:iam::{ACCOUNT}:root")
    result = permissions(root)
    assert result.verdict is Verdict.WARN
    assert of_kind(StepKind.LINK, result)


def guarded(missing: dict[str, list[str]], *refused: str) -> Any:
    """IAM's simulation where some roles or actions are refused because context keys are missing."""
    inner = simulated(*missing, *refused)

    def answer(**asked: Any) -> dict[str, Any]:
        simulation = inner(**asked)
        for result in simulation["EvaluationResults"]:
            specific = result["ResourceSpecificResults"]
            for each in specific:
                both = f"{result['EvalActionName']} {each['EvalResourceName']}"
                each["MissingContextValues"] = [
                    key for name, keys in missing.items() if name in both for key in keys
                ]
            keys = {key for each in specific for key in each["MissingContextValues"]}
            result["MissingContextValues"] = sorted(keys)
        return simulation

    return answer


MFA = "aws:MultiFactorAuthPresent"


@pytest.mark.parametrize(
    ("missing", "refused", "verdict", "named"),
    [
        ({"sts:AssumeRole": ["aws:SourceIp", MFA]}, [], Verdict.WARN, [MFA, "aws:SourceIp"]),
        ({"fsx:CreateFileSystem": [MFA]}, [], Verdict.WARN, [MFA]),
        # Of two roles one is refused for good.
        ({"deploy-role": [MFA]}, ["file-publishing"], Verdict.FAIL, ["role/aws-reserved"]),
        ({"deploy-role": [MFA]}, ["eks:CreateCluster"], Verdict.FAIL, ["eks:CreateCluster"]),
        ({"kms:CreateKey": [MFA]}, ["eks:CreateCluster"], Verdict.FAIL, ["eks:CreateCluster"]),
    ],
)
def test_a_refusal_for_missing_context_keys_is_a_warning_that_names_them(
    missing: dict[str, list[str]], refused: list[str], verdict: Verdict, named: list[str]
) -> None:
    answer: Any = {"iam__simulate_principal_policy": guarded(missing, *refused)}
    result = one("Permissions", {}, **answer)
    assert result.verdict is verdict, result
    assert all(each in result.said for each in named)
    assert "kms:CreateKey" not in result.said


@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize(("keys", "verdict"), [([], Verdict.FAIL), ([MFA], Verdict.WARN)])
def test_an_answer_for_all_resources_together_counts_too(
    own: int, keys: list[str], verdict: Verdict
) -> None:
    """IAM's answer for resource `*`, and its older one for several."""

    def answer(ActionNames: list[str], ResourceArns: list[str], **more: Any) -> dict[str, Any]:
        each = {"EvalResourceName": ResourceArns[0], "EvalResourceDecision": "explicitDeny"}
        about = {"EvalDecision": "explicitDeny", "MissingContextValues": keys}
        return {
            "EvaluationResults": [
                {"EvalActionName": action, **about, "ResourceSpecificResults": [each] * own}
                for action in ActionNames
            ]
        }

    result = one("Permissions", {}, iam__simulate_principal_policy=answer)
    assert result.verdict is verdict


def test_a_given_vpc_needs_the_lookup_role_too() -> None:
    answer: Any = {"iam__simulate_principal_policy": simulated("lookup-role")}
    assert one("Permissions", {}, **answer).verdict is Verdict.PASS
    assert one("Permissions", GIVEN_VPC, **answer).verdict is Verdict.FAIL
