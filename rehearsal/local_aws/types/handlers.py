"""How the emulator's CloudFormation learns a resource type: the shape of its handlers.

`create(logical_id, properties, stack)` and `update(physical_id, old, new, stack, logical_id)`
return (physical id, attributes); a ValueError becomes CREATE_FAILED or UPDATE_FAILED with its text.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]
Create = Callable[[str, Properties, str], Made]
Update = Callable[[str, Properties, Properties, str, str], Made]
Delete = Callable[[str, Properties], None]
_made: Counter[tuple[str, str]] = Counter()


def handler(create: Create, update: Update, delete: Delete) -> dict[str, Any]:
    """Return the three as the emulator's table holds them.

    Attributes outlive an update in place: the emulator would forget those that `update` leaves out.
    """
    known: dict[str, dict[str, Any]] = {}

    def remembered(made: Made) -> Made:
        physical_id, attributes = made
        known[physical_id] = {**known.get(physical_id, {}), **attributes}
        return physical_id, known[physical_id]

    return {
        "create": lambda *arguments: remembered(create(*arguments)),
        "update": lambda *arguments: remembered(update(*arguments)),
        "update_with_logical_id": True,
        "delete": delete,
    }


def replaced_when_changed(create: Create, delete: Delete) -> dict[str, Any]:
    """Return a handler for a type whose every property means a new resource when it changes."""

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        # Tags change in place on every type.
        if {**old, "Tags": None} == {**new, "Tags": None}:
            return physical_id, {}
        return create(logical_id, new, stack)

    return handler(create, update, delete)


def answered(answer: tuple[Any, ...]) -> str:
    """Return the body of a service's (status, headers, body); ValueError when it is an error."""
    status, _, body = answer[:3]
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 400:
        raise ValueError(re.sub(r"<[^>]+>|\s+", " ", text).strip())
    return text


def first(pattern: str, text: str) -> str:
    """Return what the first group of `pattern` matches in a service's answer."""
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"no {pattern} in the answer {text}")
    return found.group(1)


def stable_id(prefix: str, stack: str, logical_id: str) -> str:
    """Return an id that is the same in every rehearsal of the same steps.

    What has been applied to a real cluster can so be applied again: the file system that a volume
    names is the same. A resource's replacement has an id of its own.
    """
    number = _made[stack, logical_id]
    _made[stack, logical_id] += 1
    digest = hashlib.sha256(f"{stack}/{logical_id}/{number}".encode()).hexdigest()
    return f"{prefix}-{digest[:17]}"


def new_id(prefix: str) -> str:
    """Return an id as AWS makes them: a prefix and 17 hex digits."""
    return f"{prefix}-{uuid.uuid4().hex[:17]}"
