"""The budget: what it counts, who is notified, and where it is available."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cfnlint
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from bionemo_eks.configuration.budgets import REGIONS_WITH_BUDGETS
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.observability.budget import MonthlyBudget
from tests.constructs.bare import bare_stack
from tests.context import read_settings


@pytest.fixture(scope="module")
def template() -> Template:
    stack = bare_stack()
    settings = read_settings({"notifications.monthly_budget": "1500", "cluster_name": "some"})
    MonthlyBudget(stack, "Budget", settings=settings, topic=sns.Topic(stack, "Topic"))
    return Template.from_stack(stack)


def only(template: Template, kind: str) -> dict[str, Any]:
    (found,) = template.find_resources(kind).values()
    return dict(found)


def test_it_counts_a_months_costs_of_this_deployments_tag(template: Template) -> None:
    budget = only(template, "AWS::Budgets::Budget")["Properties"]["Budget"]
    assert budget["CostFilters"] == {"TagKeyValue": ["user:bionemo-on-eks/deployment$some"]}
    assert (budget["BudgetType"], budget["TimeUnit"]) == ("COST", "MONTHLY")
    assert budget["BudgetLimit"] == {"Amount": 1500, "Unit": "USD"}


def test_it_notifies_the_topic_at_three_thresholds_and_is_allowed_to(template: Template) -> None:
    budget = only(template, "AWS::Budgets::Budget")
    notifications = budget["Properties"]["NotificationsWithSubscribers"]
    assert [each["Notification"]["Threshold"] for each in notifications] == [50, 80, 100]
    (topic,) = template.find_resources("AWS::SNS::Topic")
    addresses = [who["Address"] for each in notifications for who in each["Subscribers"]]
    assert addresses == [{"Ref": topic}] * 3
    policies = template.find_resources("AWS::SNS::TopicPolicy")
    ((name, policy),) = policies.items()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert statement["Action"] == "sns:Publish"
    assert set(statement["Condition"]) == {"StringEquals", "ArnLike"}
    # Budgets tests the topic when a budget is created.
    assert name in budget["DependsOn"]


def test_without_a_limit_there_is_none(default: Any) -> None:
    default.template("Observability").resource_count_is("AWS::Budgets::Budget", 0)


def test_where_cloudformation_has_no_budgets_it_is_refused_with_the_regions_that_do() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"region": "eu-north-1", "notifications.monthly_budget": "100"})
    assert "notifications.monthly_budget" in str(refused.value)
    assert "eu-central-1" in str(refused.value)
    read_settings({"region": "eu-north-1"})


def test_the_regions_are_those_whose_registry_has_the_type() -> None:
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "providers"
    types = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    others = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-", "sam")
    assert {
        region
        for region, known in types.items()
        if "AWS::Budgets::Budget" in known and not region.startswith(others)
    } == REGIONS_WITH_BUDGETS
