"""Functions about a CRD's schema that the tests share."""

from __future__ import annotations

from typing import Any

from rehearsal.kubernetes.custom_objects import Schema
from rehearsal.kubernetes.structural_schema import INT_OR_STRING, structural_errors

__all__ = ["INT_OR_STRING", "structural_errors", "typed_fields"]


def typed_fields(schema: Schema, instance: Any, path: tuple[str | int, ...] = ()) -> list[Any]:
    """Return the path of every field of the object whose name the schema fixes."""
    if isinstance(instance, list):
        items = [(index, schema.get("items", {}), item) for index, item in enumerate(instance)]
    elif isinstance(instance, dict):
        described, free = schema.get("properties", {}), schema.get("additionalProperties", {})
        items = [(name, described.get(name, free), item) for name, item in instance.items()]
    else:
        return []
    fixed = [(*path, name) for name, _, _ in items if name in schema.get("properties", {})]
    deeper = [typed_fields(child, item, (*path, name)) for name, child, item in items]
    return fixed + [field for fields in deeper for field in fields]
