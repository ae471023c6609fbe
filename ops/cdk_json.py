"""Writes one setting to cdk.json, and leaves the rest of the file as it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bionemo_eks.configuration.cdk_context import CDK_JSON, read_file
from bionemo_eks.configuration.json_text import members
from bionemo_eks.configuration.messages import BLOCK


def write_setting(folder: Path, setting: str, value: str) -> None:
    """Write `value` for a setting, by its dotted path, to the block in `folder`/cdk.json.

    Replaces the old value in place; if there was none, the file is rewritten with an indent of two.
    Raises SettingsError if the file cannot be read.
    """
    path, keys = folder / CDK_JSON, ["context", BLOCK, *setting.split(".")]
    wanted = _with(read_file(path), keys, value)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    changed = _replaced(text, keys, json.dumps(value))
    if changed is None or json.loads(changed.removeprefix("\ufeff")) != wanted:
        changed = json.dumps(wanted, indent=2, ensure_ascii=False) + "\n"
    path.write_text(changed, encoding="utf-8")


def _with(content: dict[str, Any], keys: Sequence[str], value: str) -> dict[str, Any]:
    changed = copy.deepcopy(content)
    inner = changed
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[keys[-1]] = value
    return changed


def _replaced(text: str, keys: Sequence[str], value: str) -> str | None:
    """Return JSON `text` with `value` at `keys`; None if there is no old one to replace."""
    start, end = 0, len(text)
    for key in keys:
        found = next((each for each in members(text, start) if each.name == key), None)
        if found is None:
            return None
        start, end = found.start, found.end
    return text[:start] + value + text[end:]
