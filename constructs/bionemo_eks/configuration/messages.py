"""Messages about settings that cannot be used, and about what a setting allows."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bionemo_eks.configuration.errors import concerned
from bionemo_eks.configuration.forms import Form

# The block of cdk.json's context that holds the settings.
BLOCK = "bionemo"
_EXPRESSED = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "model_type": "must be an object with the group's settings",
    "list_type": 'must be a list, such as ["a", "b"], or a,b with -c',
    "dict_type": 'must be an object, such as {"key": "value"}',
    "extra_forbidden": "there is no such setting",
    "string_pattern_mismatch": "not in the allowed format",
    "string_too_short": "too short",
    "string_too_long": "too long",
    "literal_error": "not one of the allowed values",
    "greater_than_equal": "too small",
    "less_than_equal": "too large",
    "too_short": "too few items",
    "too_long": "too many items",
}


@dataclass(frozen=True)
class Known:
    """The known settings, and which workload has those that this one lacks."""

    fields: Mapping[str, FieldInfo]
    elsewhere: Mapping[str, str]
    by_flat_name: Mapping[str, str]


def is_near_the_block(key: str) -> bool:
    """Whether a key is the block's name or a misspelling of it: bio-nemo, BioNeMo, binoemo."""
    letters = re.sub(r"[^a-z0-9]", "", key.lower())
    return bool(difflib.get_close_matches(letters, [BLOCK], cutoff=0.75))


def flat(name: str) -> str:
    """Return a name with uniform separators: gpu-nodes and gpu.nodes are the same."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower())


def unknown(path: str, known: Known) -> str:
    """Return the message for an unknown setting."""
    fields = known.fields
    if path in known.elsewhere:
        other = known.elsewhere[path]
        return (
            f"Setting '{path}' belongs to workload {other}, which is not the selected one.\n"
            f"  Leave it out, or set the workload too: -c training.workload={other}"
        )
    inner = [name for name in fields if name.startswith(f"{path}.")]
    if inner:
        return f"'{path}' is a group of settings. Set one of them: {', '.join(inner)}."
    if path in fields:
        group, _, name = path.partition(".")
        return f'Setting \'{path}\' belongs in its group in cdk.json: "{group}": {{"{name}": ...}}.'
    by_flat_name = known.by_flat_name
    within = path.removeprefix(f"{BLOCK}.")
    if is_near_the_block(path):
        return f"There is no '{path}'. Did you mean the block '{BLOCK}' in cdk.json's context?"
    if within != path and within in fields:
        return f"There is no setting '{path}'. Did you mean '{within}'?"
    near = difflib.get_close_matches(path, fields, n=1, cutoff=0.6) or difflib.get_close_matches(
        flat(path), by_flat_name, n=1, cutoff=0.8
    )
    hint = f" Did you mean '{by_flat_name.get(near[0], near[0])}'?" if near else ""
    return (
        f"There is no setting '{path}'.{hint}\n"
        "  All settings: docs/settings.md, or the groups in cdk.json under "
        f'"{BLOCK}".'
    )


def message(error: ValidationError, values: Mapping[str, Any], known: Known) -> str:
    """Return one message about everything that is wrong with `values`."""
    return "\n".join(_message_of_one(detail, known, values) for detail in error.errors())


def _message_of_one(detail: ErrorDetails, known: Known, values: Mapping[str, Any]) -> str:
    fields = known.fields
    path, together = _setting_path(detail, fields), concerned(detail)
    if detail["type"] == "extra_forbidden":
        return unknown(".".join(str(part) for part in detail["loc"]), known)
    if together:
        return _message_of_several(together, _reason(detail), fields, values)
    if path not in fields:
        return f"Setting group '{path}' is {shown(value_at(path, values))}: {_reason(detail)}."
    return (
        f"Setting '{path}' is {_shown_of(fields[path], value_at(path, values))}: "
        f"{_reason(detail)}.{_nearest(fields[path], value_at(path, values))}\n"
        f"  Meaning: {fields[path].description}\n"
        f"  Allowed: {allowed(fields[path])}. Default: {shown(fields[path].get_default())}.\n"
        f'  Set it in cdk.json under "{BLOCK}", or with: -c {path}=<value>'
    )


def _nearest(field: FieldInfo, value: Any) -> str:
    """Suggest the name closest to `value`, if the setting accepts only certain names."""
    given = next((each.names for each in field.metadata if isinstance(each, Form)), None)
    names = given() if given else [*get_args(field.annotation), *(field.examples or ())]
    if not isinstance(value, str):
        return ""
    by_name = {str(each): each for each in names}
    parts = [part.strip() for part in value.split(",")]
    wrong = [part for part in parts if part not in by_name]
    if not (wrong and by_name):
        return ""
    near = difflib.get_close_matches(wrong[0].lower(), by_name, n=1, cutoff=0.7)
    return f" Did you mean '{near[0]}'?" if near else ""


def _message_of_several(
    paths: Sequence[str], reason: str, fields: Mapping[str, FieldInfo], values: Mapping[str, Any]
) -> str:
    """Return the message for settings that conflict."""
    together = "conflict" if len(paths) > 1 else "cannot be used"
    lines = [f"Setting{'s' * (len(paths) > 1)} {' and '.join(paths)} {together}: {reason}."]
    for path in paths:
        value = value_at(path, values)
        now = f"is {_shown_of(fields[path], value)}" if value is not None else "has its default"
        lines.append(f"  {path} {now}. Allowed: {allowed(fields[path])}.")
    lines.append(f'  Set one of them in cdk.json under "{BLOCK}", or with: -c {paths[-1]}=<value>')
    return "\n".join(lines)


def _setting_path(detail: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    """The setting that an error belongs to: its location without list indexes and dict keys."""
    parts = [str(part) for part in detail["loc"]]
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in fields:
            return ".".join(parts[:length])
    return ".".join(parts)


def value_at(path: str, values: Mapping[str, Any]) -> Any:
    """Return the value at a dotted path; None if there is none."""
    value: Any = values
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _reason(detail: ErrorDetails) -> str:
    if detail["type"] in _EXPRESSED:
        return _EXPRESSED[detail["type"]]
    return detail["msg"][:1].lower() + detail["msg"][1:]


def shown(value: Any) -> str:
    """Return a value as JSON, with letters unescaped, truncated if long."""
    try:
        text = json.dumps(value, default=repr, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        text = repr(value)
    # Escape what would move a terminal's cursor or cannot be printed.
    text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return text if len(text) <= 200 else text[:200] + "..."


def _shown_of(field: FieldInfo, value: Any) -> str:
    """Show a setting's value, unless it may hold a password: the message may end up in a log."""
    may = any(isinstance(each, Form) and each.may_hold_password for each in field.metadata)
    if may and "@" in str(value):
        return "not repeated here because it may hold a password"
    return shown(value)


def allowed(field: FieldInfo) -> str:
    """Say in words which values `field` accepts."""
    annotation = field.annotation
    form = _form(field.metadata)
    if form:
        return form
    if get_origin(annotation) is Literal:
        return ", ".join(str(value) for value in get_args(annotation))
    if annotation is int:
        bounds = {type(each).__name__: each for each in field.metadata}
        return f"a whole number from {bounds['Ge'].ge} to {bounds['Le'].le}"
    if annotation is bool:
        return "true or false"
    if get_origin(annotation) is list:
        (item,) = get_args(annotation)
        return f"a list of {_form(item.__metadata__)}"
    return ", ".join(str(each) for each in field.examples or ())


def _form(metadata: Iterable[Any]) -> str:
    return next((each.words for each in metadata if isinstance(each, Form)), "")
