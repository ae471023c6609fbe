"""Reads the settings from CDK context and answers a bad value with one clear message.

Context is cdk.json's (block `bionemo`), cdk.context.json's and that of `-c key=value`; the last two
name a setting by its dotted path, such as `gpu.nodes`. The block yields to every dotted path, so a
setting that cdk.context.json pins outlives an edit of the block; `-c` yields to nothing. A preset
that is named by `-c preset=` stands between: the block yields to it, and it to dotted paths.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bionemo_eks.configuration.errors import concerned
from bionemo_eks.configuration.presets import PRESETS
from bionemo_eks.configuration.settings import Form, Settings
from bionemo_eks.configuration.workload import Workload, Workloads

BLOCK = "bionemo"
# CDK's own context keys hold one of `@ : / -`; what has none of them was meant as a setting, and
# so was what is close to one, such as gpu-nodes.
_MEANT_AS_A_SETTING = re.compile(r"^[A-Za-z0-9_.]+$")
_EXPRESSED = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "model_type": "must be an object with the group's settings",
    "list_type": 'must be a list, such as ["a", "b"], or a,b with -c',
    "dict_type": 'must be an object, such as {"key": "value"}',
    "extra_forbidden": "there is no such setting",
    "string_pattern_mismatch": "not of the allowed form",
    "string_too_short": "too short",
    "string_too_long": "too long",
    "literal_error": "not one of the allowed values",
    "greater_than_equal": "too small",
    "less_than_equal": "too large",
    "too_short": "too few items",
    "too_long": "too many items",
}


class SettingsError(ValueError):
    """The settings cannot be used; the text says which, why and how to mend it."""


def read_settings(context: Mapping[str, Any], workloads: Workloads) -> Settings:
    """Return the settings that `context` (key to value, as CDK gives it) describes.

    `workloads` are those that `training.workload` may name, the default first. Raises SettingsError
    for a value, a name or a combination that is not allowed.
    """
    block = context.get(BLOCK, {})
    if not isinstance(block, Mapping):
        raise SettingsError(
            f'"{BLOCK}" is {_shown(block)}, but must be an object with the settings, in cdk.json.\n'
            "  With -c, settings are named one by one: -c gpu.nodes=2"
        )
    values = _with_preset(_copied(block), context)
    workload = _workload(values, context, workloads)
    model = settings_model(workload, workloads)
    known = _Known.of(workload, workloads)
    for key, value in context.items():
        if key != BLOCK and _meant_as_a_setting(key, known):
            _override(values, key, value, known)
    try:
        return model.model_validate(values, context=workload)
    except ValidationError as error:
        raise SettingsError(_message(error, values, known)) from None


def _with_preset(values: dict[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the block's `values` with those of the preset; a name that is wrong is refused later.

    A preset in the block itself does not outrank its neighbours. Neither do they silently make it
    void: SettingsError for one that says otherwise.
    """
    given = context.get("preset")
    preset = PRESETS.get(str(values.get("preset") if given is None else given))
    if preset is None:
        return values
    for path, value in preset.settings.items():
        now = _value_at(path, values)
        if given is None and now is not None and str(now) != str(value):
            raise SettingsError(
                f"Settings preset and {path} do not go together in cdk.json: preset "
                f"{preset.name} sets it to {_shown(value)}, and it is {_shown(now)}.\n"
                f"  Leave {path} out, or let the preset outrank it: -c preset={preset.name}"
            )
        _put(values, path, value)
    return values


def _workload(
    block: Mapping[str, Any], context: Mapping[str, Any], workloads: Workloads
) -> Workload:
    """Return the workload that is named, or the default; a name that is wrong is refused later."""
    training = block.get("training", {})
    named = training.get("workload") if isinstance(training, Mapping) else None
    named = context.get("training.workload", named)
    known = workloads.get(named) if isinstance(named, str) else None
    return known or next(iter(workloads.values()))


def settings_model(workload: Workload, workloads: Workloads) -> type[Settings]:
    """Return the settings with those of `workload` in the group `training`."""
    return _settings_model(workload, tuple(workloads))


@cache
def _settings_model(workload: Workload, known: tuple[str, ...]) -> type[Settings]:
    description = workload.settings.model_fields["workload"].description
    names: Any = Literal[known]
    training = create_model(
        workload.settings.__name__,
        __base__=workload.settings,
        workload=(names, Field(default=known[0], description=description)),
    )
    return create_model(
        "Settings", __base__=Settings, training=(training, Field(default=training()))
    )


def setting_fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted path and the field of every setting, in the order of the code."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from setting_fields(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


@dataclass(frozen=True)
class _Known:
    """The settings that there are, and by whom those are known that only other workloads have."""

    fields: Mapping[str, FieldInfo]
    elsewhere: Mapping[str, str]
    by_flat_name: Mapping[str, str]

    @classmethod
    def of(cls, workload: Workload, workloads: Workloads) -> Self:
        fields = dict(setting_fields(settings_model(workload, workloads)))
        return cls(
            fields,
            elsewhere={
                name: each.name
                for each in workloads.values()
                for name, _ in setting_fields(settings_model(each, workloads))
                if name not in fields
            },
            by_flat_name={_flat(name): name for name in fields},
        )


def _meant_as_a_setting(key: str, known: _Known) -> bool:
    return (
        bool(_MEANT_AS_A_SETTING.match(key))
        or _flat(key) in known.by_flat_name
        or is_near_the_block(key)
    )


def is_near_the_block(key: str) -> bool:
    """Whether a key is the block's name, or was meant to be: bio-nemo, BioNeMo, binoemo."""
    letters = re.sub(r"[^a-z0-9]", "", key.lower())
    return bool(difflib.get_close_matches(letters, [BLOCK], cutoff=0.75))


def _flat(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower())


def _copied(block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(key): dict(value) if isinstance(value, Mapping) else value
        for key, value in block.items()
    }


def _override(values: dict[str, Any], path: str, value: Any, known: _Known) -> None:
    if path not in known.fields:
        raise SettingsError(_unknown(path, known))
    _put(values, path, _from_command_line(value, known.fields[path]))


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *groups, name = path.split(".")
    for group in groups:
        inner = values.setdefault(group, {})
        if not isinstance(inner, dict):
            raise SettingsError(
                f"Setting group '{group}' is {_shown(inner)}, but must be an object."
            )
        values = inner
    values[name] = value


def _from_command_line(value: Any, field: FieldInfo) -> Any:
    """`-c` hands over text; lists and objects may be given as JSON, lists also as a,b."""
    origin = get_origin(field.annotation)
    if not isinstance(value, str):
        return value
    if origin is Literal:
        # pydantic reads "2" as a number for an int, but not for one of a list of numbers.
        return {str(each): each for each in get_args(field.annotation)}.get(value, value)
    if origin not in (list, dict):
        return value
    if value.lstrip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if origin is dict:
        return value
    return [item.strip() for item in value.split(",") if item.strip()]


def _unknown(path: str, known: _Known) -> str:
    fields = known.fields
    if path in known.elsewhere:
        other = known.elsewhere[path]
        return (
            f"Setting '{path}' belongs to workload {other}, which is not the one that is set.\n"
            f"  Leave it out, or set the workload too: -c training.workload={other}"
        )
    inner = [name for name in fields if name.startswith(f"{path}.")]
    if inner:
        return f"'{path}' is a group of settings. Set one of them: {', '.join(inner)}."
    if path in fields:
        group, _, name = path.partition(".")
        return f'Setting \'{path}\' stands in its group in cdk.json: "{group}": {{"{name}": ...}}.'
    by_flat_name = known.by_flat_name
    within = path.removeprefix(f"{BLOCK}.")
    if is_near_the_block(path):
        return f"There is no '{path}'. Did you mean the block '{BLOCK}' in cdk.json's context?"
    if within != path and within in fields:
        return f"There is no setting '{path}'. Did you mean '{within}'?"
    near = difflib.get_close_matches(path, fields, n=1, cutoff=0.6) or difflib.get_close_matches(
        _flat(path), by_flat_name, n=1, cutoff=0.8
    )
    hint = f" Did you mean '{by_flat_name.get(near[0], near[0])}'?" if near else ""
    return (
        f"There is no setting '{path}'.{hint}\n"
        "  All settings: docs/settings.md, or the groups in cdk.json under "
        f'"{BLOCK}".'
    )


def _message(error: ValidationError, values: Mapping[str, Any], known: _Known) -> str:
    return "\n".join(_message_of_one(detail, known, values) for detail in error.errors())


def _message_of_one(detail: ErrorDetails, known: _Known, values: Mapping[str, Any]) -> str:
    fields = known.fields
    path, together = _setting_path(detail, fields), concerned(detail)
    if detail["type"] == "extra_forbidden":
        return _unknown(".".join(str(part) for part in detail["loc"]), known)
    if together:
        return _message_of_several(together, _reason(detail), fields, values)
    if path not in fields:
        shown = _shown(_value_at(path, values))
        return f"Setting group '{path}' is {shown}: {_reason(detail)}."
    return (
        f"Setting '{path}' is {_shown_of(fields[path], _value_at(path, values))}: "
        f"{_reason(detail)}.\n"
        f"  It is: {fields[path].description}\n"
        f"  Allowed: {allowed(fields[path])}. Default: {_shown(fields[path].get_default())}.\n"
        f'  Set it in cdk.json under "{BLOCK}", or with: -c {path}=<value>'
    )


def _message_of_several(
    paths: Sequence[str], reason: str, fields: Mapping[str, FieldInfo], values: Mapping[str, Any]
) -> str:
    """Return the message for settings that do not go together."""
    together = "do not go together" if len(paths) > 1 else "cannot be used"
    lines = [f"Setting{'s' * (len(paths) > 1)} {' and '.join(paths)} {together}: {reason}."]
    for path in paths:
        value = _value_at(path, values)
        now = f"is {_shown_of(fields[path], value)}" if value is not None else "has its default"
        lines.append(f"  {path} {now}. Allowed: {allowed(fields[path])}.")
    lines.append(f'  Set one of them in cdk.json under "{BLOCK}", or with: -c {paths[-1]}=<value>')
    return "\n".join(lines)


def _setting_path(detail: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    """The setting an error belongs to: its location without list indexes and dict keys."""
    parts = [str(part) for part in detail["loc"]]
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in fields:
            return ".".join(parts[:length])
    return ".".join(parts)


def _value_at(path: str, values: Mapping[str, Any]) -> Any:
    value: Any = values
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _reason(detail: ErrorDetails) -> str:
    if detail["type"] in _EXPRESSED:
        return _EXPRESSED[detail["type"]]
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, default=repr)
    except (ValueError, TypeError, RecursionError):
        text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."


def _shown_of(field: FieldInfo, value: Any) -> str:
    """Show a setting's value, unless it may hold a password: the message may stand in a log."""
    may = any(isinstance(each, Form) and each.may_hold_password for each in field.metadata)
    if may and "@" in str(value):
        return "not repeated here, for it may hold a password"
    return _shown(value)


def allowed(field: FieldInfo) -> str:
    """Say in words which values `field` takes."""
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
