"""Preflight's checks of bootstrap, permissions and versions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from ops.commands import preflight
from ops.preflight import account, versions
from ops.preflight.permissions import principal
from ops.results import StepKind, Verdict
from tests.ops.accounts import GIVEN_VPC, found, one
from tests.ops.remedies import commands, of_kind, proposed
from tests.simulated.accounts import good
from tests.simulated.answers import WHEN, addon_versions, bootstrapped, simulated
from tests.simulated.aws import denied, error


def toolkit(version: str = "33", status: str = "CREATE_COMPLETE", **more: Any) -> Any:
    stack = {
        "StackName": "CDKToolkit",
        "StackStatus": status,
        "CreationTime": WHEN,
        "Outputs": [{"OutputKey": "BootstrapVersion", "OutputValue": version}],
        **more,
    }
    return {"Stacks": [stack]}


def no_toolkit(StackName: str = "", **more: Any) -> dict[str, Any]:
    if StackName:
        raise error("DescribeStacks", "ValidationError", message=f"{StackName} does not exist")
    return {"Stacks": []}


@pytest.fixture
def qualified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A qualifier of one's own, in cdk.json's context."""
    context = {"@aws-cdk/core:bootstrapQualifier": "mine"}
    (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))
    monkeypatch.setattr(account, "ROOT", tmp_path)
    return "mine"


def test_an_old_bootstrap_fails() -> None:
    result = one("CDK bootstrap", {}, ssm__get_parameter=bootstrapped("5"))
    assert result.verdict is Verdict.FAIL
    assert "version 5; at least 6 is needed" in result.said
    assert commands(result) == ["npx cdk bootstrap aws://111122223333/us-west-2"]


def test_the_bootstrap_stack_may_have_any_name() -> None:
    """CDK reads the parameter; `--toolkit-stack-name` gives the stack another name."""
    result = one("CDK bootstrap", {}, cloudformation__describe_stacks=no_toolkit)
    assert (result.verdict, result.said) == (Verdict.PASS, "version 33")


def test_a_stack_without_its_parameter_is_no_bootstrap() -> None:
    missing = error("GetParameter", "ParameterNotFound")
    result = one("CDK bootstrap", {}, ssm__get_parameter=missing)
    assert result.verdict is Verdict.FAIL
    assert "/cdk-bootstrap/hnb659fds/version" in result.said


def test_a_parameter_that_holds_no_number_tells_nothing() -> None:
    result = one("CDK bootstrap", {}, ssm__get_parameter=bootstrapped("new"))
    assert result.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("stack", "verdict", "said"),
    [
        (toolkit(), Verdict.PASS, "version 33"),
        (toolkit("5"), Verdict.FAIL, "version 5; at least 6 is needed"),
        (toolkit(status="UPDATE_ROLLBACK_COMPLETE"), Verdict.PASS, "version 33"),
        (toolkit(status="ROLLBACK_COMPLETE"), Verdict.FAIL, "CDKToolkit is ROLLBACK_COMPLETE"),
        (toolkit(status="DELETE_FAILED"), Verdict.FAIL, "CDKToolkit is DELETE_FAILED"),
        (toolkit(Outputs=[]), Verdict.UNKNOWN, "stack CDKToolkit does not tell the version"),
        (
            toolkit(Parameters=[{"ParameterKey": "Qualifier", "ParameterValue": "theirs"}]),
            Verdict.UNKNOWN,
            "another qualifier than hnb659fds",
        ),
        (no_toolkit, Verdict.UNKNOWN, "has no stack CDKToolkit"),
        (denied("DescribeStacks"), Verdict.UNKNOWN, "not allowed to call DescribeStacks"),
    ],
)
def test_who_may_not_read_the_parameter_is_told_by_the_stack(
    stack: Any, verdict: Verdict, said: str
) -> None:
    answers: Any = {
        "ssm__get_parameter": denied("GetParameter"),
        "cloudformation__describe_stacks": stack,
    }
    result = one("CDK bootstrap", {}, **answers)
    assert (result.verdict, said in result.said) == (verdict, True), result


def test_cdks_parameter_and_roles_hold_the_qualifier_of_the_app(qualified: str) -> None:
    result = one("CDK bootstrap", {}, ssm__get_parameter=bootstrapped(qualifier=qualified))
    assert result.verdict is Verdict.PASS
    missing = one("CDK bootstrap", {}, ssm__get_parameter=bootstrapped())
    assert missing.verdict is Verdict.FAIL
    assert commands(missing)[0].endswith(" --toolkit-stack-name CDKToolkit-mine")
    answer: Any = {"iam__simulate_principal_policy": simulated("cdk-mine-deploy-role")}
    assert one("Permissions", {}, **answer).verdict is Verdict.FAIL


def test_the_role_of_a_session_is_asked_of_iam_because_it_may_have_a_path() -> None:
    asked: list[str] = []

    def simulate(PolicySourceArn: str, **more: Any) -> dict[str, Any]:
        asked.append(PolicySourceArn)
        return simulated()(PolicySourceArn=PolicySourceArn, **more)

    result = one("Permissions", {}, iam__simulate_principal_policy=simulate)
    assert result.verdict is Verdict.PASS
    assert asked[0].endswith(":role/aws-reserved/sso.amazonaws.com/Engineer")
    assert ":role/cdk-hnb659fds-cfn-exec-role-" in asked[1]


def test_a_user_is_simulated_as_they_are() -> None:
    from dataclasses import replace

    from tests.simulated.accounts import simulated_deployment

    user = "arn:aws:iam::111122223333:user/me"
    assert principal(replace(simulated_deployment({}, good()), caller=user)) == user


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("deploy-role", "may not assume CDK's roles"),
        ("file-publishing-role", "may not assume CDK's roles"),
        ("fsx:CreateFileSystem", "CloudFormation's role may not call fsx:CreateFileSystem"),
    ],
)
def test_what_is_not_allowed_fails_with_what_to_allow(refused: str, said: str) -> None:
    result = one("Permissions", {}, iam__simulate_principal_policy=simulated(refused))
    assert result.verdict is Verdict.FAIL
    assert said in result.said
    assert of_kind(StepKind.ARN, result) or commands(result)


def guarded(missing: dict[str, list[str]], *refused: str) -> Any:
    """IAM's simulation where some roles or actions are refused for want of context keys."""
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
    ("missing", "refused", "verdict", "said"),
    [
        ({"sts:AssumeRole": ["aws:SourceIp", MFA]}, [], Verdict.WARN, f"{MFA}, aws:SourceIp"),
        ({"fsx:CreateFileSystem": [MFA]}, [], Verdict.WARN, f"not be simulated without {MFA}"),
        # Of two roles one is refused for good.
        ({"deploy-role": [MFA]}, ["file-publishing"], Verdict.FAIL, "may not assume CDK's roles"),
        ({"deploy-role": [MFA]}, ["eks:CreateCluster"], Verdict.FAIL, "not call eks:CreateCluster"),
        ({"kms:CreateKey": [MFA]}, ["eks:CreateCluster"], Verdict.FAIL, "may not call eks:Create"),
    ],
)
def test_what_is_refused_for_want_of_context_is_a_warning_with_its_keys(
    missing: dict[str, list[str]], refused: list[str], verdict: Verdict, said: str
) -> None:
    answer: Any = {"iam__simulate_principal_policy": guarded(missing, *refused)}
    result = one("Permissions", {}, **answer)
    assert (result.verdict, said in result.said) == (verdict, True), result
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


def test_a_given_vpc_takes_the_role_for_look_ups_too() -> None:
    answer: Any = {"iam__simulate_principal_policy": simulated("lookup-role")}
    assert one("Permissions", {}, **answer).verdict is Verdict.PASS
    assert one("Permissions", GIVEN_VPC, **answer).verdict is Verdict.FAIL


def test_a_given_vpc_must_be_there() -> None:
    def vpcs(Filters: list[dict[str, Any]]) -> dict[str, Any]:
        assert Filters == [{"Name": "vpc-id", "Values": [GIVEN_VPC["network.vpc_id"]]}]
        return {"Vpcs": []}

    assert one("VPC", GIVEN_VPC, ec2__describe_vpcs=vpcs).verdict is Verdict.FAIL


def test_a_version_that_has_ended_names_one_that_has_not() -> None:
    result = found("Kubernetes version ended")["Kubernetes version"]
    assert result.verdict is Verdict.FAIL
    assert "ended 2026-03-23" in result.said
    assert proposed(result) == {"kubernetes_version": "1.35"}


@pytest.mark.parametrize("status", ["", "UNSUPPORTED"])
def test_a_version_that_is_not_offered_has_not_ended(status: str) -> None:
    """The table knows when it ends, which is to come; naming it as its own remedy helps nobody."""
    rows = [{"clusterVersion": "1.35", "versionStatus": status}] if status else []
    answer = {"clusterVersions": rows}
    result = one("Kubernetes version", {}, eks__describe_cluster_versions=answer)
    assert (result.verdict, result.said) == (
        Verdict.FAIL,
        "EKS in us-west-2 does not offer 1.35",
    )
    assert not proposed(result)
    assert commands(result) == ["aws eks describe-cluster-versions --region us-west-2"]


def test_the_newest_version_is_no_remedy_for_itself() -> None:
    newest = list(KUBERNETES_RELEASES)[-1]
    row = {"clusterVersion": newest, "versionStatus": "EXTENDED_SUPPORT"}
    result = one(
        "Kubernetes version",
        {"kubernetes_version": newest},
        eks__describe_cluster_versions={"clusterVersions": [row]},
    )
    assert result.verdict is Verdict.WARN
    assert result.remedy
    assert not proposed(result)


def test_extended_support_is_a_warning_with_its_price() -> None:
    row = {
        "clusterVersion": "1.33",
        "versionStatus": "EXTENDED_SUPPORT",
        "endOfStandardSupportDate": datetime(2026, 7, 29, tzinfo=UTC),
        "endOfExtendedSupportDate": datetime(2027, 7, 29, tzinfo=UTC),
    }
    result = one(
        "Kubernetes version",
        {"kubernetes_version": "1.33"},
        eks__describe_cluster_versions={"clusterVersions": [row]},
    )
    assert result.verdict is Verdict.WARN
    assert "$0.60" in result.said


@pytest.mark.parametrize(
    ("status", "standard", "verdict"),
    [
        ("UNSUPPORTED", 2099, Verdict.FAIL),
        ("STANDARD_SUPPORT", 2020, Verdict.WARN),
        ("EXTENDED_SUPPORT", 2099, Verdict.WARN),
        ("STANDARD_SUPPORT", 2099, Verdict.PASS),
    ],
)
def test_status_and_date_of_a_version_both_count(
    status: str, standard: int, verdict: Verdict
) -> None:
    row = {
        "clusterVersion": "1.35",
        "versionStatus": status,
        "endOfStandardSupportDate": datetime(standard, 1, 1, tzinfo=UTC),
    }
    answer = {"clusterVersions": [row]}
    assert one("Kubernetes version", {}, eks__describe_cluster_versions=answer).verdict is verdict


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (denied("DescribeClusterVersions"), "not allowed to call DescribeClusterVersions"),
        (
            error("DescribeClusterVersions", "InvalidParameterException", message="no 1.29"),
            "InvalidParameterException",
        ),
    ],
)
def test_without_an_answer_the_projects_own_dates_count_and_it_says_so(
    answer: Exception, why: str
) -> None:
    result = one("Kubernetes version", {}, eks__describe_cluster_versions=answer)
    assert result.verdict is not Verdict.UNKNOWN
    assert "standard support until 2027-03-27" in result.said
    assert "versions.py" in result.said
    assert why in result.said
    ended = one(
        "Kubernetes version", {"kubernetes_version": "1.29"}, eks__describe_cluster_versions=answer
    )
    assert ended.verdict is Verdict.FAIL


def test_an_addon_version_that_does_not_exist_is_named() -> None:
    def versions(addonName: str, **more: Any) -> dict[str, Any]:
        if addonName != "coredns":
            answer: dict[str, Any] = good()["eks.describe_addon_versions"](  # type: ignore[operator,assignment]
                addonName=addonName, **more
            )
            return answer
        return {"addons": [{"addonVersions": [{"addonVersion": "v9"}]}]}

    result = one("Add-on versions", {}, eks__describe_addon_versions=versions)
    assert result.verdict is Verdict.FAIL
    assert "coredns v" in result.said
    assert "there are v9" in result.said
    assert "vpc-cni" not in result.said


def addon_answer(addon: str, instead: Callable[[], Any]) -> Any:
    """EKS' add-ons, one of which is answered by `instead`."""

    def answer(addonName: str, kubernetesVersion: str, **more: Any) -> Any:
        return instead() if addonName == addon else addon_versions(addonName, kubernetesVersion)

    return answer


def test_an_addon_that_eks_does_not_know_is_named() -> None:
    def refuse() -> None:
        raise error("DescribeAddonVersions", "InvalidParameterException", message="unsupported")

    answer = addon_answer("coredns", refuse)
    result = one("Add-on versions", {}, eks__describe_addon_versions=answer)
    assert result.verdict is Verdict.FAIL
    assert "coredns, which EKS does not know" in result.said
    assert "vpc-cni" not in result.said


def test_an_addon_that_is_not_answered_in_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_ADDONS_DEADLINE", 1.0)

    def late() -> dict[str, Any]:
        time.sleep(4)
        return {"addons": []}

    answer = addon_answer("coredns", late)
    result = one("Add-on versions", {}, eks__describe_addon_versions=answer)
    assert (result.verdict, result.said) == (
        Verdict.UNKNOWN,
        "no answer for coredns within 1.0 s",
    )


def test_the_addons_are_given_up_before_their_check_is() -> None:
    assert versions._ADDONS_DEADLINE < preflight._LEAST
