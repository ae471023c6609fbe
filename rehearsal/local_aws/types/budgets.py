"""AWS::Budgets::Budget, with the emulator's own service."""

from __future__ import annotations

from ministack.core.responses import get_account_id

from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types.provisioner import Made, Properties, ResourceType, Wanted


def _make(wanted: Wanted) -> Made:
    budget = _budget(wanted.properties)
    client("budgets").create_budget(
        AccountId=get_account_id(),
        Budget=budget,
        NotificationsWithSubscribers=wanted.properties["NotificationsWithSubscribers"],
    )
    return budget["BudgetName"], {}


def _change(name: str, old: Properties, wanted: Wanted) -> Made:
    """Change it in place; a new name or new notifications replace it, as in CloudFormation.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-budgets-budget.html
    """
    key = "NotificationsWithSubscribers"
    budget = _budget(wanted.properties)
    if budget["BudgetName"] != name or old[key] != wanted.properties[key]:
        return _make(wanted)
    client("budgets").update_budget(AccountId=get_account_id(), NewBudget=budget)
    return name, {}


def _remove(name: str, properties: Properties) -> None:
    budgets = client("budgets")
    try:
        budgets.delete_budget(AccountId=get_account_id(), BudgetName=name)
    except budgets.exceptions.NotFoundException:
        return


def _budget(properties: Properties) -> Properties:
    """Return the budget as the API takes it, with the amount as text."""
    budget = dict(properties["Budget"])
    limit = budget["BudgetLimit"]
    budget["BudgetLimit"] = {**limit, "Amount": str(limit["Amount"])}
    return budget


TYPES = {"AWS::Budgets::Budget": ResourceType(_make, _remove, _change)}
