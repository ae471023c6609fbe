"""Where CloudFormation makes budgets: Budgets is one service for the world, its type is not.

Those regions of partition `aws` whose registry has `AWS::Budgets::Budget`, as cfn-lint 1.58.0 has
them (2026-11); a test holds the table against the installed one. https://github.com/aws-cloudformation/cfn-lint
"""

from __future__ import annotations

REGIONS_WITH_BUDGETS = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)
