"""docs/settings.md, generated from the settings' types and descriptions."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from pydantic.fields import FieldInfo

from bionemo_eks.configuration.commands import DEPLOY
from bionemo_eks.configuration.messages import allowed
from bionemo_eks.configuration.presets import PRESETS
from bionemo_eks.configuration.reader import setting_fields, settings_model
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Workload, Workloads

_INTRODUCTION = """# Settings

All settings of a deployment. `python -m bionemo_eks` generates this page; a test compares it with
the code.

Set one in `cdk.json`, in the block `bionemo` inside `context`, with groups as nested objects:

```json
{
  "app": "...",
  "context": {
    "bionemo": { "kubernetes_version": "1.35", "gpu": { "nodes": 2 } }
  }
}
```

or for one command, by its dotted name: `make deploy CONTEXT="-c gpu.nodes=2"` or

```sh
DEPLOY -c gpu.nodes=2
```

Lists may be given as `-c cluster.admins=ARN1,ARN2`, lists and objects as JSON. For a value that is
not allowed, synth stops with a message that says which values are.
""".replace("DEPLOY", DEPLOY)


def settings_page(workloads: Workloads) -> str:
    """Return the whole page as Markdown, with the training's settings for each of `workloads`."""
    return "\n".join([_INTRODUCTION, *_sections(workloads)]) + "\n"


def _sections(workloads: Workloads) -> Iterator[str]:
    yield from _presets()
    default = next(iter(workloads.values()))
    for group, items in _by_group(settings_model(default, workloads)):
        if group == "training":
            for workload in workloads.values():
                yield from _training(workload, workloads)
        else:
            model = Settings.model_fields[group].annotation if group else None
            yield from _section(group or "General", model, items)


def _presets() -> Iterator[str]:
    yield """## Presets

`-c preset=NAME` sets several settings at once. It overrides the block in `cdk.json`; any other
setting given with `-c` overrides it. In the block itself, `"preset": "NAME"` must not contradict
another setting.

| preset | what it is | sets |
| --- | --- | --- |"""
    for preset in PRESETS.values():
        sets = ", ".join(f"`{path}={value}`" for path, value in preset.settings.items())
        yield f"| `{preset.name}` | {preset.title} | {sets} |"
    yield ""


def _training(workload: Workload, workloads: Workloads) -> Iterator[str]:
    (items,) = [
        items
        for group, items in _by_group(settings_model(workload, workloads))
        if group == "training"
    ]
    several = f" (workload {workload.name})" if len(workloads) > 1 else ""
    yield from _section(f"training{several}", workload.settings, items)


def _by_group(model: type[Settings]) -> Iterator[tuple[str, list[tuple[str, FieldInfo]]]]:
    def group_of(item: tuple[str, FieldInfo]) -> str:
        return item[0].rpartition(".")[0]

    for group, items in groupby(setting_fields(model), key=group_of):
        yield group, list(items)


def _section(title: str, model: Any, items: Iterable[tuple[str, FieldInfo]]) -> Iterator[str]:
    yield f"## {title}\n"
    if model:
        yield f"{inspect.cleandoc(model.__doc__ or '')}\n"
    yield "| setting | default | allowed | what it is |\n| --- | --- | --- | --- |"
    for path, field in items:
        yield _row(path, field)
    yield ""


def _row(path: str, field: FieldInfo) -> str:
    cells = (
        f"`{path}`",
        f"`{json.dumps(field.get_default())}`",
        allowed(field),
        field.description or "",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
