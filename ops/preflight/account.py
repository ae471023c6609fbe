"""Whose account it is, whether CDK can work in it, and whether the caller may."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from ops.aws import Deployment
from ops.results import Result, failed, passed, reason, unknown, warned

# What CDK's templates need: MIN_BOOTSTRAP_STACK_VERSION of DefaultStackSynthesizer (aws-cdk-lib)
BOOTSTRAP_LEAST = 6
TOOLKIT = "CDKToolkit"
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


def account(found: Deployment) -> Result:
    """Whose account, as whom."""
    return passed("Account", f"{found.account}, {found.settings.region}, as {found.caller}")


def bootstrap(found: Deployment) -> Result:
    """The bootstrap stack, and its version."""
    name, region = "CDK bootstrap", found.settings.region
    remedy = f"npx cdk bootstrap aws://{found.account}/{region}"
    try:
        answer = found.aws.client("cloudformation").describe_stacks(StackName=TOOLKIT)
    except ClientError as error:
        if "does not exist" in str(error):
            return failed(name, f"{region} of this account has never been bootstrapped", remedy)
        raise
    (stack,) = answer["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    version = outputs.get("BootstrapVersion", "")
    if not version.isdigit():
        return unknown(name, f"stack {TOOLKIT} does not tell its version")
    if int(version) < BOOTSTRAP_LEAST:
        return failed(name, f"version {version}; at least {BOOTSTRAP_LEAST} is needed", remedy)
    return passed(name, f"version {version}")


def role_of(caller: str) -> str:
    """Return the IAM ARN to simulate for the caller: a session's role in place of the session.

    A path of the role is lost in the session's ARN:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    session = re.fullmatch(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.*", caller)
    return "arn:{}:iam::{}:role/{}".format(*session.groups()) if session else caller


def permissions(found: Deployment) -> Result:
    """Whether the caller may use CDK's roles, and CloudFormation's role may make the resources."""
    name = "Permissions"
    partition, account_id, region = found.partition, found.account, found.settings.region

    def role(kind: str) -> str:
        return (
            f"arn:{partition}:iam::{account_id}:role/cdk-{_QUALIFIER}-{kind}-{account_id}-{region}"
        )

    if found.caller.endswith(":root"):
        return warned(
            name,
            "the caller is the account's root user, whom IAM does not simulate",
            "Deploy as a role: https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
        )
    roles = [role(kind) for kind in ("deploy-role", "file-publishing-role")]
    caller = role_of(found.caller)
    denied = _denied(found, caller, ["sts:AssumeRole"], roles)
    if denied:
        return failed(
            name,
            f"{caller} may not assume CDK's roles",
            f"Allow it sts:AssumeRole on {role('*').replace('-*-', '-*')}",
        )
    try:
        denied = _denied(found, role("cfn-exec-role"), _MADE, ["*"])
    except ClientError as error:
        return warned(name, f"CDK's roles may be assumed; what they may do: {reason(error)}")
    if denied:
        return failed(
            name,
            f"CloudFormation's role may not call {', '.join(denied)}",
            "Bootstrap with a policy that allows them: "
            "npx cdk bootstrap --cloudformation-execution-policies POLICY_ARN",
        )
    return passed(name, "CDK's roles may be assumed, and may make what the stacks hold")


def _denied(
    found: Deployment, principal: str, actions: tuple[str, ...] | list[str], resources: list[str]
) -> list[str]:
    answers = found.aws.pages(
        "iam",
        "simulate_principal_policy",
        "EvaluationResults",
        PolicySourceArn=principal,
        ActionNames=list(actions),
        ResourceArns=resources,
    )
    return sorted({e["EvalActionName"] for e in answers if e["EvalDecision"] != "allowed"})
