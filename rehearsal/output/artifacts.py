"""Writes Kubernetes objects, charts and AWS resources as YAML files for reading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from rehearsal.kubernetes.ledger import Ledger


class _Dumper(yaml.SafeDumper):
    """YAML with multi-line texts as blocks, so that programs stay readable."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    """Return `value` as YAML, with the keys in their given order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=100)


def write(folder: Path, ledger: Ledger, resources: list[dict[str, Any]]) -> None:
    """Write objects, charts with their values, and resources by stack under `folder`."""
    write_objects(folder / "kubernetes", ledger)
    charts = list(ledger.charts.values())
    (folder / "charts.yaml").write_text(dump(charts), encoding="utf-8")
    stacks: dict[str, dict[str, Any]] = {}
    for each in resources:
        body = {name: each[name] for name in ("type", "physical_id", "properties")}
        stacks.setdefault(each["stack"], {})[each["logical_id"]] = body
    (folder / "aws-resources.yaml").write_text(dump(stacks), encoding="utf-8")


def write_objects(folder: Path, ledger: Ledger) -> list[Path]:
    """Write the objects in the order applied, as NNN-Kind-name.yaml; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, (key, item) in enumerate(ledger.objects.items(), start=1):
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{item['kind']}-{item['metadata']['name']}")
        path = folder / f"{number:03d}-{name}.yaml"
        path.write_text(f"# {key}\n{dump(item)}", encoding="utf-8")
        files.append(path)
    return files
