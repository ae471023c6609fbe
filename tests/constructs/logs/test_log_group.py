"""A log group is kept for the given days, and removed with its stack."""

from __future__ import annotations

from typing import get_args

from aws_cdk.assertions import Template

from bionemo_eks.configuration.forms import RetentionDays
from bionemo_eks.logs.log_group import log_group
from tests.constructs.bare import bare_stack, only

KIND = "AWS::Logs::LogGroup"


def test_it_is_removed_with_its_stack_and_with_its_replacement() -> None:
    stack = bare_stack()
    log_group(stack, "Logs", days=30)
    Template.from_stack(stack).has_resource(
        KIND, {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    )


def test_lines_are_kept_for_any_number_of_days_that_the_settings_allow() -> None:
    allowed = get_args(RetentionDays)
    stack = bare_stack()
    for days in allowed:
        log_group(stack, f"Logs{days}", days=days)
    groups = Template.from_stack(stack).find_resources(KIND).values()
    assert [each["Properties"]["RetentionInDays"] for each in groups] == list(allowed)


def test_it_has_the_given_name_or_a_generated_one() -> None:
    stack, another = bare_stack(), bare_stack()
    log_group(stack, "Logs", name="/aws/fsx/some", days=7)
    log_group(another, "Logs", days=7)
    assert only(Template.from_stack(stack), KIND)["LogGroupName"] == "/aws/fsx/some"
    assert "LogGroupName" not in only(Template.from_stack(another), KIND)
