"""Adds resource types to the emulator's CloudFormation.

A ValueError, or an error of a service call, becomes CREATE_FAILED, UPDATE_FAILED or DELETE_FAILED
with its text.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Properties = dict[str, Any]
# Physical id, attributes.
Made = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """A resource to create or update; `stable_id(prefix)` returns an id for it."""

    stack: str
    logical_id: str
    properties: Properties
    stable_id: Callable[[str], str]


@dataclass(frozen=True)
class ResourceType:
    """`create(wanted)`, `delete(physical id, properties)`, `update(physical id, old, wanted)`.

    Without `delete`, deletion does nothing. Without `update`, a change of any property except tags
    replaces the resource.
    """

    create: Callable[[Wanted], Made]
    delete: Callable[[str, Properties], None] = lambda physical_id, properties: None
    update: Callable[[str, Properties, Wanted], Made] | None = None


class Provisioner:
    """Creates and updates resources for the emulator, and remembers their attributes."""

    def __init__(self) -> None:
        self._made: Counter[tuple[str, str]] = Counter()
        self._attributes: dict[tuple[str, str], dict[str, Any]] = {}

    def handlers(self, types: Mapping[str, ResourceType]) -> dict[str, dict[str, Any]]:
        """Return the types as entries of the emulator's own table."""
        return {
            name: {
                "create": functools.partial(self._create, name, each),
                "update": functools.partial(self._update, name, each),
                "update_with_logical_id": True,
                "delete": each.delete,
            }
            for name, each in types.items()
        }

    def _create(
        self, name: str, kind: ResourceType, logical_id: str, properties: Properties, stack: str
    ) -> Made:
        return self._remembered(name, kind.create(self._wanted(stack, logical_id, properties)))

    def _update(
        self,
        name: str,
        kind: ResourceType,
        physical_id: str,
        old: Properties,
        new: Properties,
        stack: str,
        logical_id: str,
    ) -> Made:
        wanted = self._wanted(stack, logical_id, new)
        if kind.update is not None:
            made = kind.update(physical_id, old, wanted)
        # Every type's tags change in place.
        elif {**old, "Tags": None} == {**new, "Tags": None}:
            made = physical_id, {}
        else:
            made = kind.create(wanted)
        return self._remembered(name, made)

    def _remembered(self, name: str, made: Made) -> Made:
        """Add earlier attributes, because the emulator would forget omitted ones."""
        physical_id, attributes = made
        known = self._attributes.setdefault((name, physical_id), {})
        known.update(attributes)
        return physical_id, dict(known)

    def _wanted(self, stack: str, logical_id: str, properties: Properties) -> Wanted:
        return Wanted(
            stack, logical_id, properties, functools.partial(self._stable_id, stack, logical_id)
        )

    def _stable_id(self, stack: str, logical_id: str, prefix: str) -> str:
        """Return an id that is the same in every rehearsal of the same steps.

        A volume on a real cluster names the file system, and can only be applied again with the
        same id. A replacement has another id.
        """
        number = self._made[stack, logical_id]
        self._made[stack, logical_id] += 1
        digest = hashlib.sha256(f"{stack}/{logical_id}/{number}".encode()).hexdigest()
        return f"{prefix}-{digest[:17]}"
