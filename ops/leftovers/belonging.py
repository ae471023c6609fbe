"""What of all that was found belongs to a stack that stands, and so is not left over."""

from __future__ import annotations

from ops.aws import holds_resources
from ops.leftovers.deletion import half_destroyed
from ops.leftovers.model import Leftover, Search


def standing(search: Search) -> list[Leftover]:
    """Return the stacks that stand; not those whose deletion has failed: what they hold is left."""
    failed = half_destroyed(search)
    return [
        each
        for each in search.found
        if each.kind == "stacks" and holds_resources(each.state) and each.stack not in failed
    ]


def left_over(search: Search) -> list[Leftover]:
    """Return what belongs to no stack that stands; what might belong to any, belongs to one."""
    stand = {each.stack for each in standing(search)}
    if not stand:
        return search.left
    return [each for each in search.left if each.stack and each.stack not in stand]
