"""Stacks that are there already, and what a deployment can do with each of their states."""

from __future__ import annotations

from bionemo_eks import naming
from ops.aws import Deployment, is_standing, stacks
from ops.results import Result, failed, passed

_NAME = "Stacks"
_DELETE = "aws cloudformation delete-stack --region {region} --stack-name {name}"
# What CloudFormation takes in each state:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_REMEDIES = {
    "CREATE_FAILED": "npx cdk destroy {id}\nThen deploy again.",
    "ROLLBACK_COMPLETE": "npx cdk destroy {id}\nThen deploy again.",
    "ROLLBACK_FAILED": "npx cdk destroy {id}\nThen deploy again.",
    "DELETE_FAILED": "./bionemo leftovers --delete\nnpx cdk destroy {id}\nThen deploy again.",
    "UPDATE_ROLLBACK_FAILED": "npx cdk rollback {id}\nThen deploy again.",
    "UPDATE_FAILED": "npx cdk rollback {id}\nThen deploy again.",
    "IMPORT_ROLLBACK_FAILED": f"{_DELETE}\nThen deploy again.",
    "REVIEW_IN_PROGRESS": f"{_DELETE}\nIt holds nothing. Then deploy again.",
}
_WAIT = "Wait until it ends, then run preflight again:\n./bionemo status --watch"


def stacks_ready(found: Deployment) -> Result:
    """Whether every stack that exists is in a state that a deployment can begin from."""
    there, settings = stacks(found), found.settings
    remedies, wrong = [], []
    for stack in naming.STACKS:
        name = naming.stack_name(settings, stack)
        status = there.get(name, {}).get("StackStatus", "")
        if not status or is_standing(status):
            continue
        wrong.append(f"{name} is {status}")
        remedy = _REMEDIES.get(status, _WAIT)
        remedies.append(remedy.format(id=stack, name=name, region=settings.region))
    if wrong:
        return failed(_NAME, "; ".join(wrong), "\n".join(dict.fromkeys(remedies)))
    if there:
        return passed(_NAME, f"{len(there)} stand; this will be an update")
    return passed(_NAME, "none stands; this will be a new deployment")
