"""Which of the findings belong to an existing stack, and so are not left over."""

from __future__ import annotations

from ops.aws import holds_resources
from ops.leftovers.deletion import half_destroyed
from ops.leftovers.model import Leftover, Search


def existing(search: Search) -> list[Leftover]:
    """Return the existing stacks; not those whose deletion failed: what they hold is left over."""
    failed = half_destroyed(search)
    return [
        each
        for each in search.found
        if each.kind == "stacks" and holds_resources(each.state) and each.stack not in failed
    ]


def left_over(search: Search) -> list[Leftover]:
    """Return what belongs to no existing stack; with one, unassigned items count as its own."""
    deployed = {each.stack for each in existing(search)}
    if not deployed:
        return search.left
    return [each for each in search.left if each.stack and each.stack not in deployed]
