"""The functions of CDK's constructs leave no log behind."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template
from constructs import Construct

from bionemo_eks.logs.function_logs import own_function_logs
from tests.constructs.bare import bare_stack

FUNCTION, GROUP = "AWS::Lambda::Function", "AWS::Logs::LogGroup"


def add_function(scope: Construct, name: str) -> None:
    lambda_.Function(
        scope,
        name,
        function_name=name,
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): pass"),
    )


@pytest.fixture(scope="module")
def template() -> Template:
    """Two functions below the root, one of them deeper, and one elsewhere."""
    stack = bare_stack()
    root = Construct(stack, "Root")
    add_function(root, "first")
    add_function(Construct(root, "Inner"), "second")
    add_function(stack, "elsewhere")
    own_function_logs(Construct(stack, "Owner"), root, days=14)
    return Template.from_stack(stack)


def group_of(template: Template, name: str) -> Any:
    """Return the logical id of a function's log group, or None."""
    found = template.find_resources(FUNCTION, {"Properties": {"FunctionName": name}})
    (function,) = found.values()
    return function["Properties"].get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")


def test_each_function_has_its_own_log_group(template: Template) -> None:
    groups = {group_of(template, "first"), group_of(template, "second")}
    assert groups == set(template.find_resources(GROUP))
    assert len(groups) == 2


def test_the_groups_are_removed_with_the_stack(template: Template) -> None:
    template.all_resources(
        GROUP, {"DeletionPolicy": "Delete", "Properties": {"RetentionInDays": 14}}
    )


def test_a_function_elsewhere_is_left_alone(template: Template) -> None:
    assert group_of(template, "elsewhere") is None
