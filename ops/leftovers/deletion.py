"""Removes what is safe to remove, and refuses while the deployment may still stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ops.leftovers.model import Leftover, Search
from ops.reasons import failure_reason

# Without an answer on any of these, nobody can tell that the deployment is gone.
_MUST_BE_KNOWN = ("stacks", "EKS clusters", "instances")
_RUNNING = {"pending", "running"}
# What keeps CloudFormation from deleting a VPC, and is its own to delete in no stack.
_IN_THE_WAY = {"network interfaces", "security groups"}
_DESTROY = "npx cdk destroy --all"
_ROUNDS = 3


def refusal(search: Search) -> str:
    """Say why nothing may be deleted; empty if nothing speaks against it."""
    unknown = [kind for kind in _MUST_BE_KNOWN if kind in search.blind]
    if unknown:
        reasons = "; ".join(f"{kind}: {search.blind[kind]}" for kind in unknown)
        return f"The deployment may still stand. Could not tell: {reasons}"
    standing = [each for each in search.left if each.kind == "stacks" and not _failed(each)]
    if standing:
        return f"The deployment's stacks still stand. Remove them first: {_DESTROY}"
    if any(each.kind == "EKS clusters" for each in search.left):
        return f"The cluster still stands. Remove it first: {_DESTROY}"
    if any(each.kind == "instances" and each.state in _RUNNING for each in search.left):
        return "Instances of the deployment still run. End them first"
    return ""


def _failed(stack: Leftover) -> bool:
    return stack.state == "DELETE_FAILED"


def half_destroyed(search: Search) -> bool:
    """Whether stacks are left whose deletion has failed."""
    return any(each.kind == "stacks" for each in search.left)


def safe(search: Search) -> list[Leftover]:
    """Return what may be deleted, in the order to do it.

    Where the deletion of a stack has failed, only what it failed of: the rest is the stack's.
    """
    wanted = [each for each in search.left if each.delete is not None]
    if half_destroyed(search):
        return [each for each in wanted if each.kind in _IN_THE_WAY]
    return wanted


def delete(items: Sequence[Leftover], say: Callable[[str], None]) -> list[Leftover]:
    """Delete `items`; return those that are gone, and say of the others why they are not.

    In rounds, for a security group that another one names goes after that one.
    """
    gone: list[Leftover] = []
    remaining, errors = list(items), dict[str, str]()
    for _ in range(_ROUNDS):
        before = len(remaining)
        for each in list(remaining):
            assert each.delete is not None  # `safe` returns no other
            try:
                each.delete()
            except Exception as error:  # one that does not go leaves the others to be deleted
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
