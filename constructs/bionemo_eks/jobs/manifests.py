"""Loads the Kubernetes YAML of `manifests/` and fills in its named values.

A file there is what you would pass to kubectl, except for values written `${name}`
(`string.Template`). A value may be an unresolved CDK token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from bionemo_eks.configuration.yaml_loader import LOADER

MANIFESTS = Path(__file__).resolve().parents[3] / "manifests"

KubernetesObject = dict[str, Any]


class _Manifest(Template):
    """Knows only `${name}`: any other `$` is left alone, in a regular expression for example."""

    # typeshed has the class attribute as the metaclass leaves it; subclasses give text.
    pattern = r"\$\{(?P<braced>[a-z_]+)\}|(?P<named>(?!))|(?P<escaped>(?!))|(?P<invalid>(?!))"  # type: ignore[assignment]


class ManifestError(ValueError):
    """A file of `manifests/` and its values do not match."""


def load(
    path: str, values: Mapping[str, object] | None = None, *, root: Path = MANIFESTS
) -> list[KubernetesObject]:
    """Return the objects of `manifests/<path>`, in the file's order, with `values` filled in.

    Raises ManifestError if the file names a value that is not given, or if a value is given that
    the file does not name: either way something that looks set is not.
    """
    values = dict(values or {})
    template = _Manifest((root / path).read_text(encoding="utf-8"))
    named = set(template.get_identifiers())
    if named != set(values):
        missing, unused = sorted(named - set(values)), sorted(set(values) - named)
        raise ManifestError(f"manifests/{path}: not given: {missing}; not in the file: {unused}")
    text = template.substitute({name: _written(value) for name, value in values.items()})
    return [document for document in yaml.load_all(text, LOADER) if document]


def load_one(
    path: str, values: Mapping[str, object] | None = None, *, root: Path = MANIFESTS
) -> KubernetesObject:
    """Return the single object of `manifests/<path>`; ManifestError if there is not just one."""
    objects = load(path, values, root=root)
    if len(objects) != 1:
        raise ManifestError(f"manifests/{path} holds {len(objects)} objects, not one")
    return objects[0]


def program_files(*folders: Path) -> dict[str, str]:
    """Return the texts of the Python files in `folders`, by name: what a ConfigMap mounts.

    A file overrides one of the same name in an earlier folder.
    """
    return {
        path.name: path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted(folder.glob("*.py"))
    }


def _written(value: object) -> str:
    """Write a value so that YAML reads it back: text unchanged, all else as JSON (valid YAML)."""
    return value if isinstance(value, str) else json.dumps(value)
