"""Where CloudFormation can create budgets: the service is global, its resource type is not.

The regions of partition `aws` whose registry has `AWS::Budgets::Budget`, from cfn-lint 1.58.0
(2026-11); a test compares them with the installed one.
https://github.com/aws-cloudformation/cfn-lint
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
