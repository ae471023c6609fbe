"""Whether the caller may do what the deployment does, as far as IAM simulates it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from botocore.exceptions import ClientError

from ops.aws import Deployment
from ops.results import Result, failed, passed, reason, warned

_NAME = "Permissions"
_QUALIFIER = "hnb659fds"
# One call of each service that the stacks use; CloudFormation makes them in its own role.
_MADE = (
    "ec2:CreateVpc",
    "eks:CreateCluster",
    "fsx:CreateFileSystem",
    "iam:CreateRole",
    "kms:CreateKey",
    "lambda:CreateFunction",
    "logs:CreateLogGroup",
    "s3:CreateBucket",
    "sns:CreateTopic",
)


def permissions(found: Deployment) -> Result:
    """Whether the caller may use CDK's roles, and CloudFormation's role may make the resources."""
    if found.caller.endswith(":root"):
        return warned(
            _NAME,
            "the caller is the account's root user, whom IAM does not simulate",
            "Deploy as a role:\nhttps://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
        )
    wanted = ["deploy-role", "file-publishing-role"]
    if found.settings.network.vpc_id:
        wanted.append("lookup-role")  # with which CDK looks the VPC up
    roles = [cdk_role(found, kind) for kind in wanted]
    caller = principal(found)
    denied = _denied(found, caller, ["sts:AssumeRole"], roles)
    if denied:
        return failed(
            _NAME,
            f"{caller} may not assume CDK's roles",
            "\n".join(["Allow it sts:AssumeRole on:", *roles]),
        )
    return _of_cloudformation(found)


def _of_cloudformation(found: Deployment) -> Result:
    try:
        denied = _denied(found, cdk_role(found, "cfn-exec-role"), _MADE, ["*"])
    except ClientError as error:
        return warned(_NAME, f"CDK's roles may be assumed; what they may do: {reason(error)}")
    if denied:
        return failed(
            _NAME,
            f"CloudFormation's role may not call {', '.join(denied)}",
            "Bootstrap with a policy that allows them:\n"
            "npx cdk bootstrap --cloudformation-execution-policies POLICY_ARN",
        )
    return passed(_NAME, "CDK's roles may be assumed, and may make what the stacks hold")


def cdk_role(found: Deployment, kind: str) -> str:
    """Return the ARN of one of the bootstrap stack's roles."""
    place = f"{found.account}-{found.settings.region}"
    prefix = f"arn:{found.partition}:iam::{found.account}:role"
    return f"{prefix}/cdk-{_QUALIFIER}-{kind}-{place}"


def principal(found: Deployment) -> str:
    """Return the IAM ARN to simulate for the caller: a session's role in place of the session.

    The session's ARN has lost the role's path, such as that of IAM Identity Center's roles; IAM
    tells it. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    session = re.fullmatch(r"arn:[\w-]+:sts::\d+:assumed-role/([^/]+)/.*", found.caller)
    if not session:
        return found.caller
    answer = found.aws.client("iam").get_role(RoleName=session[1])
    return str(answer["Role"]["Arn"])


def _denied(
    found: Deployment, who: str, actions: Sequence[str], resources: Sequence[str]
) -> list[str]:
    answers = found.aws.pages(
        "iam",
        "simulate_principal_policy",
        "EvaluationResults",
        PolicySourceArn=who,
        ActionNames=list(actions),
        ResourceArns=list(resources),
    )
    return sorted({e["EvalActionName"] for e in answers if e["EvalDecision"] != "allowed"})
