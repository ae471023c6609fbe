"""Preflight's check of CDK's bootstrap."""

from __future__ import annotations

from typing import Any

import pytest

from ops.results import Verdict
from tests.ops.accounts import one
from tests.ops.reading import commands, figures
from tests.simulated.answers import WHEN, bootstrapped, simulated
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


def test_an_old_bootstrap_fails() -> None:
    result = one("CDK bootstrap", {}, ssm__get_parameter=bootstrapped("5"))
    assert result.verdict is Verdict.FAIL
    assert figures(result.said) == [5, 6], "found, and CDK's minimum"
    assert commands(result) == ["npx cdk bootstrap aws://111122223333/us-west-2"]


def test_the_bootstrap_stack_may_have_any_name() -> None:
    """CDK reads the parameter; `--toolkit-stack-name` gives the stack another name."""
    result = one("CDK bootstrap", {}, cloudformation__describe_stacks=no_toolkit)
    assert (result.verdict, figures(result.said)) == (Verdict.PASS, [33])


def test_a_stack_without_its_parameter_is_no_bootstrap() -> None:
    missing = error("GetParameter", "ParameterNotFound")
    result = one("CDK bootstrap", {}, ssm__get_parameter=missing)
    assert result.verdict is Verdict.FAIL
    assert "/cdk-bootstrap/hnb659fds/version" in result.said


def test_a_parameter_without_a_number_means_unknown() -> None:
    result = one("CDK bootstrap", {}, ssm__get_parameter=bootstrapped("new"))
    assert result.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("stack", "verdict", "named"),
    [
        (toolkit(), Verdict.PASS, "33"),
        (toolkit("5"), Verdict.FAIL, "5"),
        (toolkit(status="UPDATE_ROLLBACK_COMPLETE"), Verdict.PASS, "33"),
        (toolkit(status="ROLLBACK_COMPLETE"), Verdict.FAIL, "ROLLBACK_COMPLETE"),
        (toolkit(status="DELETE_FAILED"), Verdict.FAIL, "DELETE_FAILED"),
        (toolkit(Outputs=[]), Verdict.UNKNOWN, "CDKToolkit"),
        (
            toolkit(Parameters=[{"ParameterKey": "Qualifier", "ParameterValue": "theirs"}]),
            Verdict.UNKNOWN,
            "hnb659fds",
        ),
        (no_toolkit, Verdict.UNKNOWN, "CDKToolkit"),
        (denied("DescribeStacks"), Verdict.UNKNOWN, "DescribeStacks"),
    ],
)
def test_without_access_to_the_parameter_the_stack_decides(
    stack: Any, verdict: Verdict, named: str
) -> None:
    answers: Any = {
        "ssm__get_parameter": denied("GetParameter"),
        "cloudformation__describe_stacks": stack,
    }
    result = one("CDK bootstrap", {}, **answers)
    assert (result.verdict, named in result.said) == (verdict, True), result


@pytest.mark.parametrize(
    "setting", ["account.bootstrap_qualifier", "@aws-cdk/core:bootstrapQualifier"]
)
def test_cdks_parameter_and_roles_hold_the_qualifier_of_the_settings(setting: str) -> None:
    mine = {setting: "mine"}
    result = one("CDK bootstrap", mine, ssm__get_parameter=bootstrapped(qualifier="mine"))
    assert result.verdict is Verdict.PASS
    missing = one("CDK bootstrap", mine, ssm__get_parameter=bootstrapped())
    assert missing.verdict is Verdict.FAIL
    (command,) = commands(missing)
    assert "--qualifier mine" in command
    assert "--toolkit-stack-name CDKToolkit-mine" in command
    answer: Any = {"iam__simulate_principal_policy": simulated("cdk-mine-deploy-role")}
    assert one("Permissions", mine, **answer).verdict is Verdict.FAIL
