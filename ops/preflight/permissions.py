"""Whether the caller has the permissions to deploy, as far as IAM can simulate it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.yaml_loader import LOADER
from ops.aws import Deployment
from ops.parallel import side_by_side
from ops.preflight.account import qualifier
from ops.reasons import reason
from ops.results import Result, Verdict, arn, command, failed, link, passed, warned

_NAME = "Permissions"
# What CloudFormation's role needs, by resource type.
NEEDED = Path(__file__).with_name("actions.yaml")
_SHOWN = "ops/preflight/actions.yaml"
# What FSx requires of callers that name a key, besides the list:
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/encryption-at-rest.html#FSXKMS
_OF_FSX_WITH_A_KEY = ["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"]
# Actions per request, and seconds for all requests, which run side by side: less than the minimum
# of three that preflight leaves its checks.
_AT_A_TIME, _DEADLINE = 50, 2.5
# At most this many denied actions are named.
_NAMED = 8


@dataclass(frozen=True)
class _Simulated:
    """Actions denied whatever the context, and missing context keys that decide on others."""

    denied: list[str]
    without: list[str]


def permissions(deployment: Deployment) -> Result:
    """Whether the caller may assume CDK's roles, and CloudFormation's role create resources."""
    if deployment.caller.endswith(":root"):
        return warned(
            _NAME,
            "the caller is the account's root user, which IAM does not simulate",
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
        wanted.append("lookup-role")  # CDK looks up the VPC with it
    roles = [cdk_role(deployment, kind) for kind in wanted]
    caller = principal(deployment)
    simulated = _simulated(deployment, caller, ["sts:AssumeRole"], roles)
    if simulated.denied:
        return failed(
            _NAME,
            f"{caller} may not assume CDK's roles",
            "Allow sts:AssumeRole on:",
            *map(arn, roles),
        )
    return _unless_it_depends(simulated, "CDK's roles may be assumed")


def _of_cloudformation(deployment: Deployment) -> Result:
    """Whether CDK's role for CloudFormation may call everything that the stacks need."""
    role = cdk_role(deployment, "cfn-exec-role")
    deployment.aws.client("iam")  # created before the time counts
    seconds = deployment.within(_DEADLINE)
    looked = side_by_side(
        {
            f"{place} {at}": partial(
                _simulated, deployment, role, actions[at : at + _AT_A_TIME], [place]
            )
            for place, actions in _by_resource(deployment).items()
            for at in range(0, len(actions), _AT_A_TIME)
        },
        seconds,
    )
    if not all(future.done() for future in looked.values()):
        return warned(_NAME, f"their own permissions: no answer within {seconds:g} s")
    try:
        simulated = [future.result() for future in looked.values()]
    except ClientError as error:
        return warned(_NAME, f"their own permissions: {reason(error)}")
    denied = sorted({action for each in simulated for action in each.denied})
    if denied:
        more = f" and {len(denied) - _NAMED} more" if len(denied) > _NAMED else ""
        return failed(
            _NAME,
            f"CloudFormation's role may not call {', '.join(denied[:_NAMED])}{more}",
            f"Bootstrap with a policy that allows them; the complete list is in {_SHOWN}:",
            command("npx cdk bootstrap --cloudformation-execution-policies POLICY_ARN"),
        )
    without = sorted({key for each in simulated for key in each.without})
    allowed = f"they may call the {len(_wanted(deployment.settings))} actions that the stacks need"
    return _unless_it_depends(_Simulated([], without), allowed)


@cache
def needed_actions(*, without: str = "") -> tuple[str, ...]:
    """Return the actions that CloudFormation's role needs, without duplicates, sorted.

    `without`: a resource type to leave out.
    """
    by_type: dict[str, list[str]] = yaml.load(NEEDED.read_text(encoding="utf-8"), LOADER)
    kinds = [actions for kind, actions in by_type.items() if kind != without]
    return tuple(sorted({action for actions in kinds for action in actions}))


def _wanted(settings: Settings) -> list[str]:
    """Return the actions that the deployment of `settings` needs."""
    account = settings.account
    actions = needed_actions(without="AWS::KMS::Key" if account.kms_key else "")
    further = ["iam:PutRolePermissionsBoundary"] if account.permissions_boundary else []
    further += _OF_FSX_WITH_A_KEY if account.kms_key else []
    return [*actions, *further]


def _by_resource(deployment: Deployment) -> dict[str, list[str]]:
    """The needed actions by the resource that they are simulated on.

    Otherwise a policy that allows an action only on this deployment's resources would seem to deny
    it.
    """
    places = _places(deployment)
    found: dict[str, list[str]] = {}
    for action in _wanted(deployment.settings):
        service = action.partition(":")[0]
        found.setdefault(places.get(action) or places.get(service, "*"), []).append(action)
    return found


def _places(deployment: Deployment) -> dict[str, str]:
    """The resource to simulate on, by action or by service; named as CloudFormation would."""
    settings, account = deployment.settings, deployment.account
    stack, here = names.stack_name(settings, "Cluster"), f"{settings.region}:{account}"
    start = f"arn:{deployment.partition}"
    layer = f"{start}:lambda:{here}:layer:Kubectl"
    assets = (
        f"{start}:s3:::cdk-{qualifier(deployment)}-assets-{account}-{settings.region}/asset.zip"
    )
    linked = f"{start}:iam::{account}:role/aws-service-role"
    return {
        "iam": f"{start}:iam::{account}:role{settings.account.role_path or '/'}{stack}-Role",
        "iam:CreateServiceLinkedRole": f"{linked}/eks.amazonaws.com/AWSServiceRoleForAmazonEKS",
        "kms": settings.account.kms_key or "*",
        "lambda": f"{start}:lambda:{here}:function:{stack}-Function",
        "lambda:PublishLayerVersion": layer,
        "lambda:GetLayerVersion": f"{layer}:1",
        "lambda:DeleteLayerVersion": f"{layer}:1",
        "logs": f"{start}:logs:{here}:log-group:{names.control_plane_log_group(settings)}:*",
        "s3": f"{start}:s3:::{names.bucket_name(settings, account)}",
        "s3:GetObject": assets,
        "s3:GetObjectVersion": assets,
    }


def _unless_it_depends(simulated: _Simulated, allowed: str) -> Result:
    """Say that what was simulated is `allowed`, or which missing context keys leave it unknown.

    A common policy denies everything unless `aws:SourceIp` or `aws:MultiFactorAuthPresent` is
    right; simulated without these, it denies what it would allow.
    """
    if simulated.without:
        keys = ", ".join(simulated.without)
        return warned(_NAME, f"whether {allowed} could not be simulated without {keys}")
    return passed(_NAME, allowed)


def cdk_role(deployment: Deployment, kind: str) -> str:
    """Return the ARN of one of the bootstrap stack's roles."""
    place = f"{deployment.account}-{deployment.settings.region}"
    prefix = f"arn:{deployment.partition}:iam::{deployment.account}:role"
    return f"{prefix}/cdk-{qualifier(deployment)}-{kind}-{place}"


def principal(deployment: Deployment) -> str:
    """Return the IAM ARN to simulate for the caller: for a session, its role.

    The session's ARN lacks the role's path, such as that of IAM Identity Center's roles; IAM
    reports it. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
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
        ContextEntries=_context(deployment.settings),
    )
    refused = [each for answer in answers for each in _refusals(answer)]
    return _Simulated(
        denied=sorted({action for action, missing in refused if not missing}),
        without=sorted({key for _, missing in refused for key in missing}),
    )


def _context(settings: Settings) -> list[dict[str, Any]]:
    """Return the known context of the requests: company policies may require the boundary.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    boundary = settings.account.permissions_boundary
    if not boundary:
        return []
    return [
        {
            "ContextKeyName": "iam:PermissionsBoundary",
            "ContextKeyType": "string",
            "ContextKeyValues": [boundary],
        }
    ]


def _refusals(answer: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each denied action, with the context keys that were missing for a decision.

    With several resources, each has its own answer below the one for all of them; for resource `*`
    only the latter has the keys.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
    """
    together = {**answer, "EvalResourceDecision": answer["EvalDecision"]}
    each_own = answer.get("ResourceSpecificResults", [])
    shared = answer.get("MissingContextValues", []) if len(each_own) < 2 else []
    for each in each_own or [together]:
        if each["EvalResourceDecision"] != "allowed":
            yield answer["EvalActionName"], each.get("MissingContextValues") or shared
