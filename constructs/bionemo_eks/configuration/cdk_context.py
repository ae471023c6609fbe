"""CDK context outside a CDK app: what cdk.json, cdk.context.json and `-c` say together.

The operations command and the rehearsal read the settings through it, so that they see what the
stacks see.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bionemo_eks.configuration.json_text import members, place, twice
from bionemo_eks.configuration.messages import BLOCK, is_near_the_block
from bionemo_eks.configuration.reader import SettingsError, read_settings
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Workloads

CDK_JSON, PINNED = "cdk.json", "cdk.context.json"
_CONTEXT = "context"


def read_context(folder: Path, options: Sequence[str] = ()) -> dict[str, Any]:
    """Return the context of the app in `folder` with `options`, each a `key=value` as after `-c`.

    For one key, precedence is the CDK CLI's: the command line, then cdk.json, then
    cdk.context.json. A setting given by its dotted path is a different key than cdk.json's block:
    one that cdk.context.json pins keeps its effect when the block is edited later.
    Raises SettingsError for an option without `=` and for a file that is not a JSON object.
    """
    given = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not (key and equals):
            raise SettingsError(f"Option -c {option}: must be key=value, such as -c gpu.nodes=1")
        given[key] = value
    of_the_app, pinned = read_files(folder)
    return {**pinned, **of_the_app, **given}


def read_files(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the context of cdk.json and that of cdk.context.json.

    Raises SettingsError for a file that is not a JSON object, and for what cdk would silently
    ignore: it passes on only the context, and only the last of a key given twice.
    """
    content, text = _read(folder / CDK_JSON)
    for member in members(text):
        if instead := _meant_to_be_read(member.name):
            raise SettingsError(
                f'{CDK_JSON}, {place(text, member.at)}: "{member.name}" is next to '
                f'"{_CONTEXT}", where cdk does not look for it.\n  {instead}'
            )
    of_the_app = content.get(_CONTEXT, {})
    if not isinstance(of_the_app, dict):
        raise SettingsError(
            f'"{_CONTEXT}" in {CDK_JSON} must be an object, with the block "{BLOCK}".'
        )
    pinned, text = _read(folder / PINNED)
    for member in members(text):
        if member.name == BLOCK and BLOCK in of_the_app:
            raise SettingsError(
                f'{PINNED}, {place(text, member.at)}: a second block "{BLOCK}", which cdk would '
                f"ignore in favor of the one in {CDK_JSON}.\n  Move its contents there."
            )
    return of_the_app, pinned


def _meant_to_be_read(name: str) -> str:
    """Say what to do with a name next to `context` that belongs inside; empty for CDK's own.

    Of the settings' names, `tags` is CDK's too:
    https://docs.aws.amazon.com/cdk/v2/guide/cli.html#cli-config
    """
    outermost = set(Settings.model_fields) - {"tags"}
    if name != _CONTEXT and difflib.get_close_matches(name.lower(), [_CONTEXT], cutoff=0.8):
        return f'It is "{_CONTEXT}" that cdk reads.'
    if is_near_the_block(name):
        return f'Move it into "{_CONTEXT}": {{"{_CONTEXT}": {{"{BLOCK}": ...}}}}'
    if name.partition(".")[0] in outermost:
        return f'Move it into the block: {{"{_CONTEXT}": {{"{BLOCK}": {{"{name}": ...}}}}}}'
    return ""


def settings_of(folder: Path, workloads: Workloads, options: Sequence[str] = ()) -> Settings:
    """Return the settings of the app in `folder` with `options`; SettingsError if they are bad."""
    return read_settings(read_context(folder, options), workloads)


def read_file(path: Path) -> dict[str, Any]:
    """Return the content of one of cdk's files; empty if there is none.

    Raises SettingsError if it cannot be read, is not a JSON object, or has a key twice.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Any], str]:
    """Return the content of one of cdk's files, and its text."""
    if not path.exists():
        return {}, ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text)
        again = twice(text)
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path.name} is not JSON: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path.name} is nested too deeply.") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path.name} must be a JSON object, but is {json.dumps(content)[:80]}")
    if again:
        first, second = (f"{place(text, each.at)}" for each in again)
        raise SettingsError(
            f'{path.name}, {second}: "{".".join(again[1].path)}" is given twice; the '
            f"first is in {first}.\n  Keep one: cdk silently uses the last."
        )
    return content, text
