"""Preflight's checks of bootstrap, permissions and versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bench.simulated_accounts import good
from bench.simulated_answers import simulated
from bench.simulated_aws import denied, error
from ops.preflight.permissions import principal
from ops.results import Verdict
from tests.ops.accounts import GIVEN_VPC, found, one


def test_an_old_bootstrap_stack_fails() -> None:
    toolkit = {
        "StackName": "CDKToolkit",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": datetime(2020, 1, 1, tzinfo=UTC),
        "Outputs": [{"OutputKey": "BootstrapVersion", "OutputValue": "5"}],
    }
    result = one("CDK bootstrap", {}, cloudformation__describe_stacks={"Stacks": [toolkit]})
    assert result.verdict is Verdict.FAIL
    assert "version 5; at least 6 is needed" in result.said
    assert result.remedy.startswith("npx cdk bootstrap aws://")


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

    from bench.simulated_accounts import deployment

    user = "arn:aws:iam::111122223333:user/me"
    assert principal(replace(deployment({}, good()), caller=user)) == user


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
    assert "sts:AssumeRole" in result.remedy or "--cloudformation-execution-policies" in (
        result.remedy
    )


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
    assert "-c kubernetes_version=1.35" in result.remedy


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
