"""Reads the settings from CDK context, with one clear message for bad values.

Context comes from cdk.json (block `bionemo`), cdk.context.json and `-c key=value`; the last two
name a setting by its dotted path, such as `gpu.nodes`. Every dotted path overrides the block, so a
setting that cdk.context.json pins outlives an edit of the block; `-c` overrides everything. A
preset given with `-c preset=` is in between: it overrides the block, and dotted paths override it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from bionemo_eks.configuration.messages import (
    BLOCK,
    Known,
    flat,
    is_near_the_block,
    message,
    shown,
    unknown,
    value_at,
)
from bionemo_eks.configuration.presets import PRESETS
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Workload, Workloads

# CDK's own name of a setting: https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
_CDKS_QUALIFIER, _QUALIFIER = "@aws-cdk/core:bootstrapQualifier", "account.bootstrap_qualifier"
# CDK's own context keys contain one of `@ : / -`; a key without them was meant as a setting, and so
# was one that is close to a setting, such as gpu-nodes.
_MEANT_AS_A_SETTING = re.compile(r"^[A-Za-z0-9_.]+$")


class SettingsError(ValueError):
    """The settings cannot be used; the message says which, why, and how to fix them."""


def read_settings(context: Mapping[str, Any], workloads: Workloads) -> Settings:
    """Return the settings that `context` (key to value, as CDK passes it) describes.

    `workloads` are those that `training.workload` may name, the default first. Raises SettingsError
    for a value, a name or a combination that is not allowed.
    """
    block = context.get(BLOCK, {})
    if not isinstance(block, Mapping):
        raise SettingsError(
            f'"{BLOCK}" is {shown(block)}, but must be an object with the settings, in cdk.json.\n'
            "  With -c, give settings one by one: -c gpu.nodes=2"
        )
    values = _with_preset(_copied(block), context)
    workload = _workload(values, context, workloads)
    model = settings_model(workload, workloads)
    known = _known(workload, workloads)
    for key, value in context.items():
        if key != BLOCK and _meant_as_a_setting(key, known):
            _override(values, key, value, known)
    _take_cdks_qualifier(values, context)
    try:
        return model.model_validate(values, context=workload)
    except ValidationError as error:
        raise SettingsError(message(error, values, known)) from None


def _with_preset(values: dict[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the block's `values` with those of the preset; a wrong name is refused later.

    A preset in the block itself does not override its neighbors, nor do they silently override it:
    SettingsError for a contradiction.
    """
    given = context.get("preset")
    preset = PRESETS.get(str(values.get("preset") if given is None else given))
    if preset is None:
        return values
    for path, value in preset.settings.items():
        now = value_at(path, values)
        if given is None and now is not None and str(now) != str(value):
            raise SettingsError(
                f"Settings preset and {path} conflict in cdk.json: preset {preset.name} sets it to "
                f"{shown(value)}, but it is {shown(now)}.\n"
                f"  Leave {path} out, or let the preset override it: -c preset={preset.name}"
            )
        _put(values, path, value)
    return values


def _workload(
    block: Mapping[str, Any], context: Mapping[str, Any], workloads: Workloads
) -> Workload:
    """Return the named workload, or the default; a wrong name is refused later."""
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


def _known(workload: Workload, workloads: Workloads) -> Known:
    fields = dict(setting_fields(settings_model(workload, workloads)))
    return Known(
        fields,
        elsewhere={
            name: each.name
            for each in workloads.values()
            for name, _ in setting_fields(settings_model(each, workloads))
            if name not in fields
        },
        by_flat_name={flat(name): name for name in fields},
    )


def _meant_as_a_setting(key: str, known: Known) -> bool:
    return (
        bool(_MEANT_AS_A_SETTING.match(key))
        or flat(key) in known.by_flat_name
        or is_near_the_block(key)
    )


def _copied(block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(key): dict(value) if isinstance(value, Mapping) else value
        for key, value in block.items()
    }


def _override(values: dict[str, Any], path: str, value: Any, known: Known) -> None:
    if path not in known.fields:
        raise SettingsError(unknown(path, known))
    _put(values, path, _from_command_line(value, known.fields[path]))


def _take_cdks_qualifier(values: dict[str, Any], context: Mapping[str, Any]) -> None:
    """Accept the qualifier under CDK's own name too, so that one setting holds it."""
    cdks, own = context.get(_CDKS_QUALIFIER), value_at(_QUALIFIER, values)
    if not cdks:
        return
    if own and own != cdks:
        raise SettingsError(
            f"Settings {_QUALIFIER} {shown(own)} and {_CDKS_QUALIFIER} {shown(cdks)} are two names "
            "for one setting.\n  Leave one of them out."
        )
    _put(values, _QUALIFIER, cdks)


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *groups, name = path.split(".")
    for group in groups:
        inner = values.setdefault(group, {})
        if not isinstance(inner, dict):
            raise SettingsError(
                f"Setting group '{group}' is {shown(inner)}, but must be an object."
            )
        values = inner
    values[name] = value


def _from_command_line(value: Any, field: FieldInfo) -> Any:
    """Convert the text that `-c` passes; lists and objects may be JSON, lists also a,b."""
    origin = get_origin(field.annotation)
    if not isinstance(value, str):
        return value
    if origin is Literal:
        # pydantic converts "2" for an int, but not for a Literal of numbers.
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
