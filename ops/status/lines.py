"""One line of the status."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from ops.aws import Deployment, stacks

_GOOD = {"ACTIVE", "AVAILABLE", "UPDATING"}
_PASSING = {"CREATING", "DELETING", "PENDING"}


@dataclass(frozen=True)
class Line:
    """One item and its state.

    `good` is None if there is nothing to judge; `unsettled` if the state will change by itself, or
    is unknown.
    """

    part: str
    name: str
    state: str
    good: bool | None = None
    unsettled: bool = False


def silent(part: str, why: str, name: str = "") -> Line:
    """Return the line of something unknown."""
    return Line(part, name, f"unknown: {why}", unsettled=True)


def judged(part: str, name: str, status: str, state: str, *, wrong: bool = False) -> Line:
    """Return the line of something with an AWS `status`; `wrong` if it reports issues itself."""
    if status in _PASSING and not wrong:
        return Line(part, name, state, unsettled=True)
    return Line(part, name, state, status in _GOOD and not wrong)


def missing(deployment: Deployment, part: str, name: str = "") -> Line:
    """Return the line of something missing: wrong, unless it is being created or deleted."""
    if _under_way(deployment):
        return Line(part, name, "missing", unsettled=True)
    return Line(part, name, "missing", False)


def _under_way(deployment: Deployment) -> bool:
    try:
        return any(
            each["StackStatus"].endswith("IN_PROGRESS") for each in stacks(deployment).values()
        )
    except (ClientError, BotoCoreError):
        return False
