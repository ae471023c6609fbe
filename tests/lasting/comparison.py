"""Describes what a change of the code would do to an existing deployment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.lasting.consequences import (
    NOT_IN_THE_SCHEMAS,
    PRUNED_KINDS,
    REPLACED,
    SERVICE_TOKEN,
    SERVICE_TOKEN_CHANGED,
    WHY,
)
from tests.lasting.extraction import Items


def losses(before: Items, after: Items) -> list[str]:
    """Return what would be replaced, deleted or refused; additions replace nothing."""
    gone = {stack for stack, section, _ in before if section == "stack"} - {
        stack for stack, section, _ in after if section == "stack"
    }
    messages = [f"{stack}: the stack is gone, with everything in it." for stack in sorted(gone)]
    for (stack, section, name), record in before.items():
        now = after.get((stack, section, name))
        if stack in gone or now == record:
            continue
        if now is None and section == "resources":
            messages.append(_gone(stack, name, record, before, after))
        elif now is None:
            messages.append(f"{stack}: {_MISSING[section].format(name)}")
        elif section == "resources":
            along = _along(before, stack, name)
            messages.extend(_changes(f"{stack}: {name} ({record['type']})", record, now, along))
        else:
            messages.append(f"{stack}: {_OTHER[section].format(name, **_both(record, now))}")
    return messages


def _along(items: Items, stack: str, name: str) -> str:
    """Say what is replaced with a resource: what names it in create-only properties, in its stack.

    Other stacks import the resource, and CloudFormation refuses the change.
    """
    resources = {
        its_name: record
        for (its_stack, section, its_name), record in items.items()
        if (its_stack, section) == (stack, "resources")
    }
    replaced = [name]
    for each in replaced:  # grows
        for other, record in resources.items():
            text = json.dumps(record["properties"])
            if other not in replaced and (f"${{{each}}}" in text or f"${{{each}." in text):
                replaced.append(other)
    types = Counter(resources[other]["type"] for other in replaced[1:])
    named = [f"{kind} ({number})" if number > 1 else kind for kind, number in types.items()]
    return f" Also replaced: {', '.join(named)}." if named else ""


def additions(before: Items, after: Items) -> list[str]:
    """Return what is only in `after`; it causes no loss."""
    new = sorted(after.keys() - before.keys())
    return [f"{stack}: {section} {name}" for stack, section, name in new]


_MISSING = {
    "exports": "the export {} is gone: CloudFormation refuses the update while another stack "
    "imports it.",
    "outputs": "the output {} is gone: people and commands that read it would find nothing.",
}
_OTHER = {
    "stack": "its name changed from {name_before} to {name_now}: CloudFormation would create a "
    "new stack, and know nothing about the old one's resources.",
    "exports": "the value of the export {0} changed from {value_before} to {value_now}: "
    "CloudFormation refuses the update while another stack imports it.",
}


def _both(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {f"{key}_before": value for key, value in before.items()} | {
        f"{key}_now": value for key, value in now.items()
    }


def _gone(stack: str, name: str, record: dict[str, Any], before: Items, after: Items) -> str:
    kind = record["type"]
    why = _why(kind) + _along(before, stack, name)
    same = [
        other
        for (its_stack, section, other), now in after.items()
        if its_stack == stack
        and section == "resources"
        and (stack, section, other) not in before
        and now == record
    ]
    if same:
        return (
            f"{stack}: the logical id of {name} ({kind}) changed to {same[0]}: "
            f"CloudFormation would DELETE the old one and create the new one.{why}"
        )
    if "deletion" in record:
        return (
            f"{stack}: logical id {name} of {kind} is gone: CloudFormation would leave it BEHIND, "
            f"because its DeletionPolicy is {record['deletion']}.{why}"
        )
    return f"{stack}: logical id {name} of {kind} is gone: CloudFormation would DELETE it.{why}"


def _changes(title: str, before: dict[str, Any], now: dict[str, Any], along: str) -> Iterator[str]:
    kind = before["type"]
    why = _why(kind)
    if now["type"] != kind:
        yield f"{title} could not be UPDATED by CloudFormation: it is now {now['type']}.{why}"
        return
    was, would_be = before.get("deletion", "Delete"), now.get("deletion", "Delete")
    if was != would_be and was != "Delete":
        yield f"{title} would no longer be KEPT: its DeletionPolicy was {was}, is {would_be}.{why}"
    for path in sorted(before["properties"].keys() | now["properties"].keys()):
        old, new = before["properties"].get(path), now["properties"].get(path)
        if old != new:
            change = f"changed from {_shown(old)} to {_shown(new)}"
            what = _consequence(kind, path)
            yield f"{title} {what} {path} {change}.{why}{along if REPLACED in what else ''}"
    for each in before.get("objects", []):
        if each not in now.get("objects", []):
            yield f"{title}: object {each} has left this manifest: {_left(each)}"


def _why(kind: str) -> str:
    return f" {WHY[kind]}" if kind in WHY else ""


def _consequence(kind: str, path: str) -> str:
    if path == SERVICE_TOKEN:
        return f"{SERVICE_TOKEN_CHANGED}: property"
    extra = NOT_IN_THE_SCHEMAS.get(kind, {})
    return f"{extra[path]}: property" if path in extra else f"{REPLACED}: create-only property"


def _left(item: str) -> str:
    _, kind, _ = item.split()
    if kind in PRUNED_KINDS:
        return "kubectl apply --prune would DELETE it."
    return f"kubectl apply --prune removes no {kind}, so it would stay BEHIND and keep working."


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)
