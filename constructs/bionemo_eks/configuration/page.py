"""Writes docs/settings.md from the settings' own types and descriptions.

`python -m bionemo_eks.configuration.page > docs/settings.md`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby

from pydantic.fields import FieldInfo

from bionemo_eks.configuration.reader import allowed, setting_fields
from bionemo_eks.configuration.settings import Settings

_INTRODUCTION = """# Settings

All settings of a deployment. This page is written by
`python -m bionemo_eks.configuration.page`; a test holds it against the code.

Set one in `cdk.json`, in the block `bionemo`, a group as an inner object:

```json
"bionemo": { "kubernetes_version": "1.35", "gpu": { "nodes": 2 } }
```

or for one command, by its dotted name: `npx cdk deploy --all -c gpu.nodes=2`. Lists may be given as
`-c cluster.admins=ARN1,ARN2`, lists and objects as JSON. A value that is not allowed stops the
synthesis with a message that says what is.
"""


def settings_page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([_INTRODUCTION, *_sections()]) + "\n"


def _sections() -> Iterator[str]:
    def group_of(item: tuple[str, FieldInfo]) -> str:
        return item[0].rpartition(".")[0]

    for group, items in groupby(setting_fields(), key=group_of):
        yield f"## {group or 'General'}\n"
        if group:
            model = Settings.model_fields[group].annotation
            yield f"{(model.__doc__ or '').strip()}\n"
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


if __name__ == "__main__":
    sys.stdout.write(settings_page())
