"""Reads and writes snapshot.yaml: what must last, once for all sets that share it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.lasting.extraction import Items

SNAPSHOT = Path(__file__).with_name("snapshot.yaml")
_ALL = "all"
_HEADER = """\
# What must last across versions of the code, by stack and id, for the sets of settings in
# sets.yaml; `in` says for which. Properties are those whose change replaces a resource.
# Written by `python -m tests.lasting`: read its differences before you commit them; any that is
# not an addition is something that an existing deployment loses.
"""


def load(path: Path = SNAPSHOT) -> dict[str, Items]:
    """Return what must last, by set."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: dict[str, Items] = {name: {} for name in content["sets"]}
    for stack, sections in content["stacks"].items():
        for section, entries in sections.items():
            for name, variants in entries.items():
                for variant in variants:
                    record = {key: value for key, value in variant.items() if key != "in"}
                    within = found if variant["in"] == _ALL else variant["in"]
                    for each in within:
                        found[each][stack, section, name] = record
    return found


def write(snapshot: Mapping[str, Items], path: Path = SNAPSHOT) -> None:
    """Write `snapshot`, what must last by set, so that load() reads it back."""
    stacks: dict[str, dict[str, dict[str, list[dict[str, Any]]]]] = {}
    # Sorted, because the order in the code may change without harm.
    for stack, section, name in sorted({key for items in snapshot.values() for key in items}):
        variants: list[dict[str, Any]] = []
        for each, items in snapshot.items():
            record = items.get((stack, section, name))
            if record is None:
                continue
            same = next((one for one in variants if one["record"] == record), None)
            if same:
                same["in"].append(each)
            else:
                variants.append({"in": [each], "record": record})
        stacks.setdefault(stack, {}).setdefault(section, {})[name] = [
            {"in": _ALL if one["in"] == list(snapshot) else one["in"], **one["record"]}
            for one in variants
        ]
    text = yaml.dump(
        {"sets": list(snapshot), "stacks": stacks},
        Dumper=_Dumper,
        sort_keys=False,
        width=100,
        default_flow_style=None,
    )
    path.write_text(_HEADER + text, encoding="utf-8")


class _Dumper(yaml.SafeDumper):
    """Writes every value in full, without anchors and aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
