"""Checks an object against a CRD's structural schema, as `kubectl --validate=strict` does.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
(section "Field pruning").
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

Schema = dict[str, Any]
PRESERVE = "x-kubernetes-preserve-unknown-fields"


def _strict(schema: Schema) -> Schema:
    """Return the schema as `kubectl --validate=strict` applies it: unknown fields are errors.

    `apiVersion`, `kind` and `metadata` are allowed even if the schema does not have them.
    """
    closed = _closed(schema)
    described = closed.get("properties", {})
    own = {"apiVersion": {}, "kind": {}, **described, "metadata": {"type": "object"}}
    return {**closed, "properties": own}


def _closed(node: Schema) -> Schema:
    copy = dict(node)
    if "properties" in node:
        copy["properties"] = {name: _closed(child) for name, child in node["properties"].items()}
    for word in ("additionalProperties", "items"):
        if isinstance(node.get(word), dict):
            copy[word] = _closed(node[word])
    if node.get("type") == "object" and "additionalProperties" not in node:
        copy["additionalProperties"] = bool(node.get(PRESERVE))
    return copy


def refusals(schema: Schema, instance: object) -> list[str]:
    """Return what strict validation finds wrong with the object, each as `path: reason`."""
    found = Draft202012Validator(_strict(schema)).iter_errors(instance)
    return [f"{error.json_path}: {error.message}" for error in found]
