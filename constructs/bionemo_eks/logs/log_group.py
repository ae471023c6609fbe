"""The deployment's own log groups: limited retention, removed with their stack."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

_BY_DAYS = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    5: logs.RetentionDays.FIVE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    120: logs.RetentionDays.FOUR_MONTHS,
    150: logs.RetentionDays.FIVE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
    545: logs.RetentionDays.EIGHTEEN_MONTHS,
    731: logs.RetentionDays.TWO_YEARS,
}


def log_group(
    scope: Construct, construct_id: str, *, days: int, name: str | None = None
) -> logs.LogGroup:
    """Create a log group in `scope`; `days` is a retention that the settings allow.

    Without a `name` CloudFormation generates one.
    """
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=_BY_DAYS[days],
        removal_policy=RemovalPolicy.DESTROY,
    )
