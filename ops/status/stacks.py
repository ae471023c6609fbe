"""The deployment's CloudFormation stacks."""

from __future__ import annotations

from bionemo_eks.configuration import names
from ops import aws
from ops.aws import Deployment
from ops.status.lines import Line, missing

_PART = "Stacks"


def stacks(deployment: Deployment) -> list[Line]:
    """Return a line for each stack that the settings require."""
    there, lines = aws.stacks(deployment), []
    for stack in names.stacks(deployment.settings):
        name = names.stack_name(deployment.settings, stack)
        if name not in there:
            lines.append(missing(deployment, _PART, name))
            continue
        state = there[name]["StackStatus"]
        good = aws.is_updatable(state)
        # It exists, but differs from the settings: the last update failed.
        rolled_back = state.endswith("_COMPLETE") and "ROLLBACK" in state and good
        unsettled = state.endswith("IN_PROGRESS") or rolled_back
        lines.append(Line(_PART, name, state, None if unsettled else good, unsettled=unsettled))
    return lines
