"""A budget in the local AWS: created, changed in place, replaced, removed."""

from __future__ import annotations

from typing import Any

import pytest
from ministack.core.responses import get_account_id

from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types import TYPES
from rehearsal.local_aws.types.provisioner import Properties, Provisioner
from tests.rehearsal.local_aws.shared import REFUSALS

KIND = "AWS::Budgets::Budget"


@pytest.fixture
def handlers() -> dict[str, Any]:
    return Provisioner().handlers(TYPES)[KIND]


def properties(amount: int = 1000, name: str = "some-us-west-2", share: int = 50) -> Properties:
    return {
        "Budget": {
            "BudgetName": name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": amount, "Unit": "USD"},
            "CostFilters": {"TagKeyValue": ["user:bionemo-on-eks/deployment$some"]},
        },
        "NotificationsWithSubscribers": [
            {
                "Notification": {
                    "ComparisonOperator": "GREATER_THAN",
                    "NotificationType": "ACTUAL",
                    "Threshold": share,
                    "ThresholdType": "PERCENTAGE",
                },
                "Subscribers": [
                    {
                        "SubscriptionType": "SNS",
                        "Address": "arn:aws:sns:us-west-2:111122223333:topic",
                    }
                ],
            }
        ],
    }


def limits() -> dict[str, float]:
    found = client("budgets").describe_budgets(AccountId=get_account_id()).get("Budgets", [])
    return {each["BudgetName"]: float(each["BudgetLimit"]["Amount"]) for each in found}


def test_create_change_replace_and_remove(handlers: dict[str, Any]) -> None:
    name, _ = handlers["create"]("Budget", properties(), "stack")
    assert limits() == {"some-us-west-2": 1000}
    changed, _ = handlers["update"](name, properties(), properties(2000), "stack", "Budget")
    assert (changed, limits()) == (name, {"some-us-west-2": 2000})
    # CloudFormation creates the new one before it removes the old one.
    with pytest.raises(REFUSALS, match=r"(?i)already exists|duplicate"):
        handlers["update"](name, properties(2000), properties(2000, share=60), "stack", "Budget")
    other = properties(2000, name="other-us-west-2")
    replaced, _ = handlers["update"](name, properties(2000), other, "stack", "Budget")
    assert replaced == "other-us-west-2"
    for each in (name, replaced):
        handlers["delete"](each, properties())
    assert limits() == {}
