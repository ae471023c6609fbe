"""Existing stacks, and what a deployment can do in each of their states."""

from __future__ import annotations

from itertools import chain

from bionemo_eks.configuration import names
from ops.aws import Deployment, holds_resources, is_updatable, stacks
from ops.results import Result, Step, command, failed, passed, warned

_NAME = "Stacks"
# What `cdk deploy` deletes first and then recreates: `isCreationFailure` in `deployStack` of
# https://github.com/aws/aws-cdk-cli/blob/main/packages/@aws-cdk/toolkit-lib/lib/api/deployments/deploy-stack.ts
# where a stack in REVIEW_IN_PROGRESS counts as not existing yet.
_RECREATED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
_DEPLOY = "Then deploy again."


def holds(deployment: Deployment, stack: str) -> bool:
    """Whether one of `names.STACKS` exists and may hold resources, however its last change went.

    They belong to the deployment; `stacks_ready` checks whether the stack can be updated.
    """
    return holds_resources(_status(deployment, stack))


def is_recreated(deployment: Deployment, stack: str) -> bool:
    """Whether `cdk deploy` deletes what the stack holds before it recreates the stack."""
    return _status(deployment, stack) in _RECREATED


def _status(deployment: Deployment, stack: str) -> str:
    there = stacks(deployment).get(names.stack_name(deployment.settings, stack), {})
    return str(there.get("StackStatus", ""))


def stacks_ready(deployment: Deployment) -> Result:
    """Whether every existing stack is in a state that a deployment can start from."""
    statuses = {stack: _status(deployment, stack) for stack in names.STACKS}
    updatable = [stack for stack, status in statuses.items() if is_updatable(status)]
    recreated = [stack for stack, status in statuses.items() if status in _RECREATED]
    passable = {"", "REVIEW_IN_PROGRESS", *_RECREATED}
    wrong = [stack for stack in statuses if not (stack in updatable or statuses[stack] in passable)]
    if wrong:
        remedies = dict.fromkeys(_remedy(deployment, stack, statuses[stack]) for stack in wrong)
        return failed(_NAME, _listed(deployment, wrong, statuses), *chain.from_iterable(remedies))
    if recreated:
        said = _listed(deployment, recreated, statuses)
        return warned(_NAME, f"{said}; cdk deploy deletes and recreates it")
    if updatable:
        return passed(_NAME, f"{len(updatable)} exist; this will be an update")
    return passed(_NAME, "no stacks yet; this will be a new deployment")


def _listed(deployment: Deployment, chosen: list[str], statuses: dict[str, str]) -> str:
    return "; ".join(
        f"{names.stack_name(deployment.settings, stack)} is {statuses[stack]}" for stack in chosen
    )


def _remedy(deployment: Deployment, stack: str, status: str) -> tuple[Step | str, ...]:
    """The steps to a state that a deployment can start from.

    What CloudFormation accepts in each state:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """
    destroy = command(f"npx cdk destroy {stack}")
    match status:
        case "CREATE_FAILED":
            return destroy, _DEPLOY
        case "DELETE_FAILED":
            return command("./bionemo leftovers --delete"), destroy, _DEPLOY
        case "UPDATE_FAILED" | "UPDATE_ROLLBACK_FAILED":
            return command(f"npx cdk rollback {stack}"), _DEPLOY
        case "IMPORT_ROLLBACK_FAILED":
            name, region = names.stack_name(deployment.settings, stack), deployment.settings.region
            delete = f"aws cloudformation delete-stack --region {region} --stack-name {name}"
            return command(delete), _DEPLOY
    return "Wait until it ends, then run preflight again:", command("./bionemo status --watch")
