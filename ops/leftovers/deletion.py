"""Deletes what is safe to delete: what belongs to no stack that may still need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ops.aws import holds_resources
from ops.leftovers.model import Leftover, Search
from ops.reasons import failure_reason

# Without an answer on any of these, it is unknown what is left of the deployment.
_MUST_BE_KNOWN = ("stacks", "EKS clusters", "instances")
_RUNNING = {"pending", "running"}
# States of a stack whose resources CloudFormation failed to delete, and should delete again.
_FAILED = {"DELETE_FAILED", "ROLLBACK_FAILED"}
# What blocks CloudFormation from deleting a VPC, and belongs to no stack.
_IN_THE_WAY = {"network interfaces", "security groups"}
_DESTROY = "npx cdk destroy --all"
_ROUNDS = 3


def refusal(search: Search) -> str:
    """Say why nothing may be deleted; empty if deletion is allowed."""
    unknown = [kind for kind in _MUST_BE_KNOWN if kind in search.blind]
    if unknown:
        reasons = "; ".join(f"{kind}: {search.blind[kind]}" for kind in unknown)
        return f"The deployment may still exist. Unknown: {reasons}"
    if safe(search):
        return ""
    if any(_is_running(each) for each in search.left):
        cluster = any(each.kind == "EKS clusters" for each in search.left)
        remove = f"Destroy it first: {_DESTROY}" if cluster else "Terminate them first"
        what = "The cluster still exists" if cluster else "Instances of the deployment still run"
        return f"{what}. {remove}"
    if set(_holding(search)) - set(half_destroyed(search)):
        return f"The deployment's stacks still exist. Destroy them first: {_DESTROY}"
    return ""


def _is_running(each: Leftover) -> bool:
    return each.kind == "EKS clusters" or (each.kind == "instances" and each.state in _RUNNING)


def _holding(search: Search) -> set[str]:
    """The stacks that may hold resources: Cluster too while a cluster or an instance runs."""
    stacks = {
        each.stack for each in search.left if each.kind == "stacks" and holds_resources(each.state)
    }
    return stacks | ({"Cluster"} if any(map(_is_running, search.left)) else set())


def half_destroyed(search: Search) -> set[str]:
    """Return the stacks whose deletion failed and whose cluster, if any, no longer runs."""
    failed = {each.stack for each in search.left if each.kind == "stacks" and each.state in _FAILED}
    return failed - ({"Cluster"} if any(map(_is_running, search.left)) else set())


def safe(search: Search) -> list[Leftover]:
    """Return what may be deleted, in the right order.

    That is what belongs to no stack that holds resources; unassigned items count as belonging to
    all of them. For a stack whose deletion failed, also what blocks the deletion.
    """
    holding, failed = _holding(search), half_destroyed(search)

    def is_free(each: Leftover) -> bool:
        owners = ({each.stack} if each.stack else holding) & holding
        return not owners or (each.kind in _IN_THE_WAY and owners <= failed)

    return [each for each in search.left if each.delete is not None and is_free(each)]


def delete(items: Sequence[Leftover], say: Callable[[str], None]) -> list[Leftover]:
    """Delete `items`; return those that are gone, and say why the others are not.

    In rounds, because a security group can be deleted only after those that refer to it.
    """
    gone: list[Leftover] = []
    remaining, errors = list(items), dict[str, str]()
    for _ in range(_ROUNDS):
        before = len(remaining)
        for each in list(remaining):
            assert each.delete is not None  # `safe` returns no other
            try:
                each.delete()
            except Exception as error:  # one failure must not stop the others
                errors[each.id] = f"{each.kind} {each.id}: {failure_reason(error)}"
            else:
                say(f"deleted {each.kind} {each.id}")
                gone.append(each)
                remaining.remove(each)
        if not remaining or len(remaining) == before:
            break
    for each in remaining:
        say(errors[each.id])
    return gone
