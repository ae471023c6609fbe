"""Whether the caller may do what the deployment does, as far as IAM simulates it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ops.aws import Deployment
from ops.preflight.account import qualifier
from ops.reasons import reason
from ops.results import Result, Verdict, arn, command, failed, link, passed, warned

_NAME = "Permissions"
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


@dataclass(frozen=True)
class _Simulated:
    """Actions that are refused whatever the context, and context keys that decide on others."""

    denied: list[str]
    without: list[str]


def permissions(deployment: Deployment) -> Result:
    """Whether the caller may use CDK's roles, and CloudFormation's role may make the resources."""
    if deployment.caller.endswith(":root"):
        return warned(
            _NAME,
            "the caller is the account's root user, whom IAM does not simulate",
            "Deploy as a role:",
            link("https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"),
        )
    caller = _of_the_caller(deployment)
    if caller.verdict is Verdict.FAIL:
        return caller
    made = _of_cloudformation(deployment)
    if made.verdict is Verdict.FAIL:
        return made
    say = warned if Verdict.WARN in (caller.verdict, made.verdict) else passed
    return say(_NAME, f"{caller.said}; {made.said}")


def _of_the_caller(deployment: Deployment) -> Result:
    wanted = ["deploy-role", "file-publishing-role"]
    if deployment.settings.network.vpc_id:
        wanted.append("lookup-role")  # with which CDK looks the VPC up
    roles = [cdk_role(deployment, kind) for kind in wanted]
    caller = principal(deployment)
    simulated = _simulated(deployment, caller, ["sts:AssumeRole"], roles)
    if simulated.denied:
        return failed(
            _NAME,
            f"{caller} may not assume CDK's roles",
            "Allow it sts:AssumeRole on:",
            *map(arn, roles),
        )
    return _unless_it_depends(simulated, "CDK's roles may be assumed")


def _of_cloudformation(deployment: Deployment) -> Result:
    try:
        simulated = _simulated(deployment, cdk_role(deployment, "cfn-exec-role"), _MADE, ["*"])
    except ClientError as error:
        return warned(_NAME, f"what they may do: {reason(error)}")
    if simulated.denied:
        return failed(
            _NAME,
            f"CloudFormation's role may not call {', '.join(simulated.denied)}",
            "Bootstrap with a policy that allows them:",
            command("npx cdk bootstrap --cloudformation-execution-policies POLICY_ARN"),
        )
    return _unless_it_depends(simulated, "they may make what the stacks hold")


def _unless_it_depends(simulated: _Simulated, allowed: str) -> Result:
    """Say that what was simulated is `allowed`, or that it could not be told and for want of what.

    A common guard denies everything unless `aws:SourceIp` or `aws:MultiFactorAuthPresent` is right;
    simulated without one, it denies what it would let through.
    """
    if simulated.without:
        keys = ", ".join(simulated.without)
        return warned(_NAME, f"whether {allowed} could not be simulated without {keys}")
    return passed(_NAME, allowed)


def cdk_role(deployment: Deployment, kind: str) -> str:
    """Return the ARN of one of the bootstrap stack's roles."""
    place = f"{deployment.account}-{deployment.settings.region}"
    prefix = f"arn:{deployment.partition}:iam::{deployment.account}:role"
    return f"{prefix}/cdk-{qualifier()}-{kind}-{place}"


def principal(deployment: Deployment) -> str:
    """Return the IAM ARN to simulate for the caller: a session's role in place of the session.

    The session's ARN has lost the role's path, such as that of IAM Identity Center's roles; IAM
    tells it. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    session = re.fullmatch(r"arn:[\w-]+:sts::\d+:assumed-role/([^/]+)/.*", deployment.caller)
    if not session:
        return deployment.caller
    answer = deployment.aws.client("iam").get_role(RoleName=session[1])
    return str(answer["Role"]["Arn"])


def _simulated(
    deployment: Deployment, who: str, actions: Sequence[str], resources: Sequence[str]
) -> _Simulated:
    answers = deployment.aws.pages(
        "iam",
        "simulate_principal_policy",
        "EvaluationResults",
        PolicySourceArn=who,
        ActionNames=list(actions),
        ResourceArns=list(resources),
    )
    refused = [each for answer in answers for each in _refusals(answer)]
    return _Simulated(
        denied=sorted({action for action, missing in refused if not missing}),
        without=sorted({key for _, missing in refused for key in missing}),
    )


def _refusals(answer: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each refusal of an action, with the context keys that were not there to decide by.

    Of several resources each has its own answer, below one for all of them together; for resource
    `*` the keys stand in the latter alone.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
    """
    together = {**answer, "EvalResourceDecision": answer["EvalDecision"]}
    each_own = answer.get("ResourceSpecificResults", [])
    shared = answer.get("MissingContextValues", []) if len(each_own) < 2 else []
    for each in each_own or [together]:
        if each["EvalResourceDecision"] != "allowed":
            yield answer["EvalActionName"], each.get("MissingContextValues") or shared
