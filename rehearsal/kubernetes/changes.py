"""Which fields of an existing object cannot be changed.

Sources: the `immutable` notes of each kind's API reference at
https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.kubernetes.objects import KubernetesObject

_IMMUTABLE = {
    "CustomResourceDefinition": (
        "spec.group",
        "spec.names.kind",
        "spec.names.plural",
        "spec.scope",
    ),
    "Deployment": ("spec.selector",),
    "Job": (
        "spec.backoffLimitPerIndex",
        "spec.completionMode",
        "spec.completions",
        "spec.managedBy",
        "spec.podFailurePolicy",
        "spec.selector",
        "spec.successPolicy",
        "spec.template",
    ),
    "PersistentVolume": ("spec.csi", "spec.volumeMode", "spec.nodeAffinity"),
    "RoleBinding": ("roleRef",),
}
# All other fields of a claim's spec are immutable.
_MUTABLE_IN_A_CLAIM = {"resources", "volumeAttributesClassName"}
# Defaults of the API server: setting one explicitly changes nothing.
_DEFAULTS = {"spec.completionMode": "NonIndexed", "spec.volumeMode": "Filesystem"}
_FROZEN = ("immutable", "data", "binaryData")


def changed_immutable_fields(before: KubernetesObject, after: KubernetesObject) -> Iterator[str]:
    """Yield the path of each immutable field that differs, as specific as possible."""
    kind = after["kind"]
    paths = list(_IMMUTABLE.get(kind, ()))
    if kind == "PersistentVolumeClaim":
        fields = sorted({*before["spec"], *after["spec"]} - _MUTABLE_IN_A_CLAIM)
        paths += [f"spec.{field}" for field in fields]
    if kind == "ConfigMap" and before.get("immutable"):
        paths += _FROZEN
    for path in paths:
        yield from _differences(_at(before, path), _at(after, path), path)


def _at(item: KubernetesObject, path: str) -> Any:
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return _DEFAULTS.get(path) if value is None else value


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            yield from _differences(before.get(name), after.get(name), f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from _differences(*pair, f"{path}[{index}]")
    else:
        yield path
