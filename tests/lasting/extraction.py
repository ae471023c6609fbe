"""Finds what must last in templates: ids, names, create-only properties, Kubernetes objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.lasting.consequences import MAY_CHANGE, NOT_IN_THE_SCHEMAS
from tests.lasting.synthesis import Templates

# What must last, by (stack, section, id), and which parts of it must not change. Sections:
# `stack`, `exports` (what other stacks import), `outputs` (what people and programs read) and
# `resources`.
Items = dict[tuple[str, str, str], dict[str, Any]]

# For create-only properties the region does not matter.
_REGION = "us-west-2"
_CUSTOM = "AWS::CloudFormation::CustomResource"
_HASH = re.compile(r"-[0-9a-f]{8}$")


def lasting(templates: Templates) -> Items:
    """Return what must last in stacks with these names and templates."""
    items: Items = {}
    for stack, (name, template) in templates.items():
        items[stack, "stack", stack] = {"name": name}
        for output, content in template.get("Outputs", {}).items():
            if "Export" in content:
                value = readable(content["Value"])
                items[stack, "exports", content["Export"]["Name"]] = {"value": value}
            else:
                items[stack, "outputs", output] = {}
        called = _called(template)
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] not in MAY_CHANGE or logical_id in called:
                items[stack, "resources", logical_id] = _record(resource)
    return items


def create_only(kind: str) -> list[str]:
    """Return the create-only properties of a CloudFormation type, as paths such as `A/B`.

    Raises KeyError for a type without a schema. What a schema is:
    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
    """
    schema = _schema(_CUSTOM if kind.startswith("Custom::") else kind)
    pointers = [
        *schema.get("createOnlyProperties", []),
        *schema.get("conditionalCreateOnlyProperties", []),
    ]
    # For an element of a list, the whole list.
    return [each.removeprefix("/properties/").split("/*")[0] for each in pointers]


def readable(value: Any) -> Any:
    """Write references in the form of `Fn::Sub`: `${Vpc}`, `${Role.Arn}`, `${import an-export}`."""
    match value:
        case {"Ref": str(target)}:
            return f"${{{target}}}"
        case {"Fn::GetAtt": [str(target), str(attribute)]}:
            return f"${{{target}.{attribute}}}"
        case {"Fn::ImportValue": str(export)}:
            return f"${{import {export}}}"
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(str(readable(part)) for part in parts)
        case dict():
            return {key: readable(each) for key, each in value.items()}
        case list():
            return [readable(each) for each in value]
    return value


def _record(resource: dict[str, Any]) -> dict[str, Any]:
    kind = resource["Type"]
    properties = resource.get("Properties", {})
    record: dict[str, Any] = {"type": kind}
    policy = resource.get("DeletionPolicy", "Delete")
    if policy != "Delete":
        record["deletion"] = policy
    paths = sorted({*create_only(kind), *NOT_IN_THE_SCHEMAS.get(kind, ())})
    held = {path: readable(_at(properties, path)) for path in paths}
    record["properties"] = {path: value for path, value in held.items() if value is not None}
    if "Manifest" in properties:
        objects = json.loads(readable(properties["Manifest"]))
        record["objects"] = sorted(_object_name(each) for each in objects)
    return record


def _at(value: Any, path: str) -> Any:
    for part in path.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _object_name(item: dict[str, Any]) -> str:
    """Return `apiVersion kind namespace/name`, with a hash at the end of the name masked."""
    metadata = item["metadata"]
    name = _HASH.sub("-<hash>", metadata["name"])
    place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{item['apiVersion']} {item['kind']} {place}{name}"


def _called(template: dict[str, Any]) -> set[str]:
    """Return the logical ids that custom resources call or other stacks import."""
    properties = (each.get("Properties", {}) for each in template["Resources"].values())
    tokens = [each["ServiceToken"] for each in properties if "ServiceToken" in each]
    outputs = [each["Value"] for each in template.get("Outputs", {}).values() if "Export" in each]
    return set(_targets([*tokens, *outputs]))


def _targets(references: Iterable[Any]) -> Iterable[str]:
    for each in references:
        match each:
            case {"Ref": str(target)} | {"Fn::GetAtt": [str(target), *_]}:
                yield target


@cache
def _schema(kind: str) -> dict[str, Any]:
    file = _schemas() / "resources" / f"{_schema_names()[kind]}.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


@cache
def _schema_names() -> dict[str, str]:
    file = _schemas() / "providers" / f"{_REGION}.json"
    names: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return names


def _schemas() -> Path:
    """Return the folder of the schemas in cfn-lint's package, which takes seconds to import."""
    package = find_spec("cfnlint")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "data" / "schemas"
