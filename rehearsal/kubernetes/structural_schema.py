"""What an API server checks about a CRD's schema.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
(sections "Specifying a structural schema" and "Field pruning").
"""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.kubernetes.crd_schema import PRESERVE, Schema

Path = tuple[str, ...]

INT_OR_STRING = "x-kubernetes-int-or-string"
_JUNCTORS = ("allOf", "anyOf", "oneOf", "not")
_NEVER = {
    "$ref",
    "$schema",
    "definitions",
    "dependencies",
    "deprecated",
    "discriminator",
    "id",
    "patternProperties",
    "readOnly",
    "writeOnly",
    "xml",
}
_NEVER_IN_JUNCTORS = {"description", "type", "default", "additionalProperties", "nullable"}


def structural_errors(schema: Schema) -> list[str]:
    """Return why an API server would refuse the schema as not structural; [] if it would not."""
    errors = [] if schema.get("type") == "object" else ["(root): type must be object"]
    return [*errors, *_errors(schema, ())]


def _errors(node: Schema, path: Path) -> Iterator[str]:
    where = ".".join(path) or "(root)"
    for word in sorted(_NEVER & node.keys()):
        yield f"{where}: {word} is forbidden"
    if not ({"type", INT_OR_STRING, PRESERVE} & node.keys()):
        yield f"{where}: no type"
    if "type" in node and node.get(INT_OR_STRING):
        yield f"{where}: type beside {INT_OR_STRING}"
    if node.get("uniqueItems"):
        yield f"{where}: uniqueItems is forbidden"
    if node.get("additionalProperties") is False:
        yield f"{where}: additionalProperties must not be false"
    if {"properties", "additionalProperties"} <= node.keys():
        yield f"{where}: properties and additionalProperties exclude each other"
    if node.get("type") == "array" and not isinstance(node.get("items"), dict):
        yield f"{where}: an array without items"
    for name in sorted(set(node.get("required", [])) - node.get("properties", {}).keys()):
        yield f"{where}: requires {name}, which it does not describe"
    for nested in _nested(node):
        yield from _junctor_errors(nested, node, path)
    for name, child in _children(node):
        yield from _errors(child, (*path, name))


def _junctor_errors(nested: Schema, described: Schema, path: Path) -> Iterator[str]:
    """Inside a junctor: value checks alone, of fields that are described outside of it."""
    where = ".".join(path) or "(root)"
    if described.get(INT_OR_STRING) and nested in ({"type": "integer"}, {"type": "string"}):
        return  # the one form that is allowed to name types
    for word in sorted(_NEVER_IN_JUNCTORS & nested.keys()):
        yield f"{where}: {word} inside of {'/'.join(_JUNCTORS)}"
    outside = dict(_children(described))
    for name, child in _children(nested):
        if name not in outside:
            yield f"{where}: {name} is described inside of {'/'.join(_JUNCTORS)} only"
        else:
            yield from _junctor_errors(child, outside[name], (*path, name))
    for deeper in _nested(nested):
        yield from _junctor_errors(deeper, described, path)


def _nested(node: Schema) -> Iterator[Schema]:
    for word in _JUNCTORS:
        inside = node.get(word, [])
        yield from [inside] if isinstance(inside, dict) else inside


def _children(node: Schema) -> Iterator[tuple[str, Schema]]:
    yield from node.get("properties", {}).items()
    for word, name in (("additionalProperties", "*"), ("items", "[]")):
        if isinstance(node.get(word), dict):
            yield name, node[word]
