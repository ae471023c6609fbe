"""What an API server checks about a CRD's schema.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
(sections "Specifying a structural schema" and "Field pruning").
"""

from __future__ import annotations

from collections.abc import Iterator

from jsonschema import Draft202012Validator

from rehearsal.kubernetes.custom_objects import PRESERVE, Schema

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
_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_VALUES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("not", "properties"), dict),
    **dict.fromkeys(("allOf", "anyOf", "enum", "oneOf", "required"), list),
    **dict.fromkeys(("format", "pattern"), str),
    **dict.fromkeys(("maximum", "minimum", "multipleOf"), (int, float)),
    **dict.fromkeys(("maxItems", "maxLength", "maxProperties"), int),
    **dict.fromkeys(("minItems", "minLength", "minProperties"), int),
}
_NEVER_IN_JUNCTORS = {"description", "type", "default", "additionalProperties", "nullable"}


def structural_errors(schema: Schema) -> list[str]:
    """Return why an API server would refuse the schema as not structural; [] if it accepts it."""
    errors = list(_errors(schema, ()))
    return errors or ([] if schema.get("type") == "object" else ["(root): type must be object"])


def _errors(node: Schema, path: Path) -> Iterator[str]:
    where = ".".join(path) or "(root)"
    wrong = [*_malformed(node)] or [*_wrong_words(node)]
    if wrong:
        yield from (f"{where}: {each}" for each in wrong)
        return
    below = [each for name, child in _children(node) for each in _errors(child, (*path, name))]
    yield from below
    if not below:
        for nested in _nested(node):
            yield from _junctor_errors(nested, node, path)


def _malformed(node: object) -> Iterator[str]:
    """Yield why this is not a schema; a CRD's own schema allows anything in `items`."""
    if not isinstance(node, dict):
        yield "must be an object"
        return
    for word, kinds in _VALUES.items():
        if word in node and not isinstance(node[word], kinds):
            yield f"{word}: Invalid value: {node[word]!r}"
            return
    if node.get("type", "object") not in _TYPES:
        yield f"type: Unsupported value: {node['type']!r}"
    if not all(isinstance(each, str) for each in node.get("required", [])):
        yield f"required: Invalid value: {node['required']!r}"
    if not Draft202012Validator.FORMAT_CHECKER.conforms(node.get("pattern", ""), "regex"):
        yield f"pattern: Invalid value: {node['pattern']!r}"


def _wrong_words(node: Schema) -> Iterator[str]:
    for word in sorted(_NEVER & node.keys()):
        yield f"{word} is forbidden"
    if not ({"type", INT_OR_STRING, PRESERVE} & node.keys()):
        yield "no type"
    if "type" in node and node.get(INT_OR_STRING):
        yield f"type together with {INT_OR_STRING}"
    if node.get("uniqueItems"):
        yield "uniqueItems is forbidden"
    if node.get("additionalProperties") is False:
        yield "additionalProperties must not be false"
    if {"properties", "additionalProperties"} <= node.keys():
        yield "properties and additionalProperties are mutually exclusive"
    if node.get("type") == "array" and not isinstance(node.get("items"), dict):
        yield "array without items"


def _junctor_errors(nested: Schema, described: Schema, path: Path) -> Iterator[str]:
    """Yield what is wrong in a junctor, which may only check values of fields described outside."""
    if described.get(INT_OR_STRING) and nested in ({"type": "integer"}, {"type": "string"}):
        return  # the only form that may name types
    where = ".".join(path) or "(root)"
    wrong = [*_malformed(nested)]
    if wrong:
        yield from (f"{where}: {each}" for each in wrong)
        return
    for word in sorted(_NEVER_IN_JUNCTORS & nested.keys()):
        yield f"{where}: {word} inside {'/'.join(_JUNCTORS)}"
    outside = dict(_children(described))
    for name, child in _children(nested):
        if name not in outside:
            yield f"{where}: {name} is described only inside {'/'.join(_JUNCTORS)}"
        else:
            yield from _junctor_errors(child, outside[name], (*path, name))
    for deeper in _nested(nested):
        yield from _junctor_errors(deeper, described, path)


def _nested(node: Schema) -> Iterator[Schema]:
    for word in _JUNCTORS:
        inside = node.get(word, [])
        yield from inside if isinstance(inside, list) else [inside]


def _children(node: Schema) -> Iterator[tuple[str, Schema]]:
    yield from node.get("properties", {}).items()
    for word, name in (("additionalProperties", "*"), ("items", "[]")):
        if isinstance(node.get(word), dict):
            yield name, node[word]
