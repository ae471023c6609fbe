"""Preflight's check that the budget counts anything."""

from __future__ import annotations

from typing import Any

import pytest

from ops.results import Result, StepKind, Verdict
from tests.simulated.accounts import good, preflight
from tests.simulated.aws import denied

TAG = "bionemo-on-eks/deployment"


def found_with(answer: Any) -> Result:
    answers = good() | {"ce.list_cost_allocation_tags": answer}
    results = preflight({"notifications.monthly_budget": "1000"}, answers)
    (found,) = [each for each in results if each.name == "Cost allocation tag"]
    return found


def listed(*statuses: str) -> dict[str, Any]:
    tags = [{"TagKey": TAG, "Type": "UserDefined", "Status": each} for each in statuses]
    return {"CostAllocationTags": tags}


def test_an_active_tag_passes() -> None:
    assert found_with(listed("Active")).verdict is Verdict.PASS


@pytest.mark.parametrize("statuses", [(), ("Inactive",)])
def test_a_tag_that_is_not_active_is_a_warning_with_the_command(statuses: tuple[str, ...]) -> None:
    found = found_with(listed(*statuses))
    assert found.verdict is Verdict.WARN
    assert "counts nothing" in found.said
    (command,) = [each.text for each in found.remedy if each.kind is StepKind.COMMAND]
    assert f"TagKey={TAG},Status=Active" in command


def test_a_member_account_is_told_who_may_ask() -> None:
    found = found_with(denied("ListCostAllocationTags"))
    assert found.verdict is Verdict.UNKNOWN
    assert "management account" in found.said


def test_without_a_budget_there_is_no_check() -> None:
    assert "Cost allocation tag" not in {each.name for each in preflight({}, good())}
