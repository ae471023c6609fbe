"""Stacks that are there already, and what a deployment can do with each of their states."""

from __future__ import annotations

from bionemo_eks.configuration import names
from ops.aws import Deployment, is_standing, stacks
from ops.results import Result, failed, passed, warned

_NAME = "Stacks"
# What holds nothing: a change set that nobody ran, and a creation that was rolled back.
_EMPTY = {"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"}
# What `cdk deploy` deletes first, and then makes anew: `isCreationFailure` in `deployStack` of
# https://github.com/aws/aws-cdk-cli/blob/main/packages/@aws-cdk/toolkit-lib/lib/api/deployments/deploy-stack.ts
# where a stack in REVIEW_IN_PROGRESS counts as one that is not there yet.
_MADE_ANEW = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
_DELETE = "aws cloudformation delete-stack --region {region} --stack-name {name}"
# What CloudFormation takes in each state:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_REMEDIES = {
    "CREATE_FAILED": "npx cdk destroy {id}\nThen deploy again.",
    "DELETE_FAILED": "./bionemo leftovers --delete\nnpx cdk destroy {id}\nThen deploy again.",
    "UPDATE_ROLLBACK_FAILED": "npx cdk rollback {id}\nThen deploy again.",
    "UPDATE_FAILED": "npx cdk rollback {id}\nThen deploy again.",
    "IMPORT_ROLLBACK_FAILED": f"{_DELETE}\nThen deploy again.",
}
_WAIT = "Wait until it ends, then run preflight again:\n./bionemo status --watch"


def holds(found: Deployment, stack: str) -> bool:
    """Whether one of `names.STACKS` is there and may hold resources, however its last change went.

    What it holds is the deployment's own; whether it can be deployed to, `stacks_ready` judges.
    """
    return _status(found, stack) not in {"", *_EMPTY}


def is_made_anew(found: Deployment, stack: str) -> bool:
    """Whether `cdk deploy` deletes what the stack holds before it makes the stack anew."""
    return _status(found, stack) in _MADE_ANEW


def _status(found: Deployment, stack: str) -> str:
    there = stacks(found).get(names.stack_name(found.settings, stack), {})
    return str(there.get("StackStatus", ""))


def stacks_ready(found: Deployment) -> Result:
    """Whether every stack that exists is in a state that a deployment can begin from."""
    statuses = {stack: _status(found, stack) for stack in names.STACKS}
    standing = [stack for stack, status in statuses.items() if is_standing(status)]
    anew = [stack for stack, status in statuses.items() if status in _MADE_ANEW]
    passable = {"", "REVIEW_IN_PROGRESS", *_MADE_ANEW}
    wrong = [stack for stack in statuses if not (stack in standing or statuses[stack] in passable)]
    if wrong:
        remedies = dict.fromkeys(_remedy(found, stack, statuses[stack]) for stack in wrong)
        return failed(_NAME, _listed(found, wrong, statuses), "\n".join(remedies))
    if anew:
        said = _listed(found, anew, statuses)
        return warned(_NAME, f"{said}; cdk deploy deletes it and makes it anew")
    if standing:
        return passed(_NAME, f"{len(standing)} stand; this will be an update")
    return passed(_NAME, "none stands; this will be a new deployment")


def _listed(found: Deployment, chosen: list[str], statuses: dict[str, str]) -> str:
    return "; ".join(
        f"{names.stack_name(found.settings, stack)} is {statuses[stack]}" for stack in chosen
    )


def _remedy(found: Deployment, stack: str, status: str) -> str:
    name = names.stack_name(found.settings, stack)
    remedy = _REMEDIES.get(status, _WAIT)
    return remedy.format(id=stack, name=name, region=found.settings.region)
