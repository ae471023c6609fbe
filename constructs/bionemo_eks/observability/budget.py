"""A monthly budget for everything with the deployment's tag."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG

# Percent of the limit.
NOTIFIED_AT = (50, 80, 100)


class MonthlyBudget(Construct):
    """Notifies `topic` when the month's costs pass shares of `notifications.monthly_budget`.

    The costs are those with the tag, which Billing counts only while the tag is an active cost
    allocation tag; credits are not deducted. The figures are hours old, and nothing is stopped.
    https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-budgets-budget-budgetdata.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, topic: sns.Topic
    ) -> None:
        super().__init__(scope, construct_id)
        # https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
        all_budgets = f"arn:{Aws.PARTITION}:budgets::{Aws.ACCOUNT_ID}:*"
        allowed = topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="BudgetsOfThisAccount",
                principals=[iam.ServicePrincipal("budgets.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": all_budgets},
                },
            )
        )
        budget = budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=names.budget_name(settings),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=settings.notifications.monthly_budget, unit="USD"
                ),
                cost_filters={"TagKeyValue": [f"user:{DEPLOYMENT_TAG}${settings.cluster_name}"]},
                cost_types=budgets.CfnBudget.CostTypesProperty(include_credit=False),
            ),
            # Never change these: CloudFormation would create another budget with the same name.
            notifications_with_subscribers=[_notification(share, topic) for share in NOTIFIED_AT],
        )
        if allowed.policy_dependable:
            budget.node.add_dependency(allowed.policy_dependable)


def _notification(
    per_cent: int, topic: sns.Topic
) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    return budgets.CfnBudget.NotificationWithSubscribersProperty(
        notification=budgets.CfnBudget.NotificationProperty(
            comparison_operator="GREATER_THAN",
            notification_type="ACTUAL",
            threshold=per_cent,
            threshold_type="PERCENTAGE",
        ),
        subscribers=[
            budgets.CfnBudget.SubscriberProperty(address=topic.topic_arn, subscription_type="SNS")
        ],
    )
