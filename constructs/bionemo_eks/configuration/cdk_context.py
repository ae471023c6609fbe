"""CDK context outside a CDK app: what cdk.json, cdk.context.json and `-c` say together.

The operations command and the rehearsal read the settings through it, so that they see what the
stacks see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bionemo_eks.configuration.reader import SettingsError, read_settings
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Workloads

PINNED = "cdk.context.json"


def read_context(folder: Path, options: Sequence[str] = ()) -> dict[str, Any]:
    """Return the context of the app in `folder` with `options`, each a `key=value` as after `-c`.

    For one key, precedence is the CDK CLI's: the command line, then cdk.json, then
    cdk.context.json. A setting by its dotted path is another key than cdk.json's block: one that
    cdk.context.json pins stays in force when the block is edited later.
    Raises SettingsError for an option without `=` and for a file that is not a JSON object.
    """
    given = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not (key and equals):
            raise SettingsError(f"Option -c {option}: must be key=value, such as -c gpu.nodes=1")
        given[key] = value
    of_the_app = read_file(folder / "cdk.json").get("context", {})
    if not isinstance(of_the_app, dict):
        raise SettingsError('"context" in cdk.json must be an object, with the block "bionemo".')
    return {**read_file(folder / PINNED), **of_the_app, **given}


def settings_of(folder: Path, workloads: Workloads, options: Sequence[str] = ()) -> Settings:
    """Return the settings of the app in `folder` with `options`; SettingsError if they are bad."""
    return read_settings(read_context(folder, options), workloads)


def read_file(path: Path) -> dict[str, Any]:
    """Return what a file of cdk's holds; nothing if it is not there.

    Raises SettingsError when it cannot be read, or is not a JSON object.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path.name} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path.name} must be a JSON object, and is {json.dumps(content)[:80]}")
    return content
