"""Log groups for the Lambda functions of CDK's own constructs."""

from __future__ import annotations

from aws_cdk import CfnResource
from constructs import Construct, IConstruct

from bionemo_eks.logs.log_group import log_group


def own_function_logs(scope: Construct, root: IConstruct, *, days: int) -> None:
    """Give every function below `root` a log group in `scope` that is removed with its stack.

    Lambda creates `/aws/lambda/<function>` at the first line, and nothing removes it. Because the
    function names its group, CloudFormation removes the function first. Source:
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
    """
    functions = [
        each
        for each in root.node.find_all()
        if isinstance(each, CfnResource) and each.cfn_resource_type == "AWS::Lambda::Function"
    ]
    for number, function in enumerate(functions, start=1):
        group = log_group(scope, f"FunctionLogs{number}", days=days)
        function.add_property_override("LoggingConfig", {"LogGroup": group.log_group_name})
