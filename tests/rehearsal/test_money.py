"""Cost limits, deployed, changed and removed with the real CDK CLI."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.rehearsal


def budgets(account: Any) -> dict[str, float]:
    found = account.client("budgets").describe_budgets(AccountId="111122223333")["Budgets"]
    return {each["BudgetName"]: float(each["BudgetLimit"]["Amount"]) for each in found}


def watch_verbs(account: Any) -> list[str]:
    """What the watch may do to the training."""
    (rule,) = [
        each
        for each in account.ledger.objects["Role/default/esm1nv-watch"]["rules"]
        if each["resources"] == ["pytorchjobs"]
    ]
    return list(rule["verbs"])


def test_limits_are_added_changed_and_removed(standing: Any) -> None:
    assert (budgets(standing), watch_verbs(standing)) == ({}, ["get"])
    limits = {"training.max_hours": "24", "notifications.monthly_budget": "500"}
    standing.deploy(limits)
    assert budgets(standing) == {"bionemo-on-eks-us-west-2": 500}
    assert watch_verbs(standing) == ["get", "patch"]
    standing.deploy(limits | {"notifications.monthly_budget": "900"})
    assert budgets(standing) == {"bionemo-on-eks-us-west-2": 900}
    standing.deploy({})
    assert (budgets(standing), watch_verbs(standing)) == ({}, ["get"])
