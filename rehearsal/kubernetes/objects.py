"""Keys of Kubernetes objects, and the error for a refused one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KubernetesObject = dict[str, Any]
# (group, kind) to the existing CustomResourceDefinition.
Definitions = Mapping[tuple[str, str], KubernetesObject]

# The built-in kinds that the project applies. Others are refused until this folder has rules for
# them.
CLUSTER_SCOPED = {"CustomResourceDefinition", "Namespace", "PersistentVolume"}
NAMESPACED = {
    "ConfigMap",
    "Deployment",
    "Job",
    "PersistentVolumeClaim",
    "Role",
    "RoleBinding",
    "ServiceAccount",
}


class RefusedError(ValueError):
    """The API server would answer with an error; the message is that error."""


def as_decoded(value: Any) -> Any:
    """Return an object as an API server decodes it: null fields are unset.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable
    """
    if isinstance(value, dict):
        return {name: as_decoded(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [{} if each is None else as_decoded(each) for each in value]
    return value


def group_of(item: KubernetesObject) -> str:
    """Return the API group, "" for the core one."""
    group: str = item["apiVersion"].rpartition("/")[0]
    return group


def is_namespaced(item: KubernetesObject, definitions: Definitions) -> bool:
    """Whether objects of this kind are namespaced; a CRD says so for its own kind."""
    definition = definitions.get((group_of(item), item["kind"]))
    if definition is not None:
        return bool(definition["spec"].get("scope") == "Namespaced")
    return item["kind"] not in CLUSTER_SCOPED


def key_of(item: KubernetesObject, definitions: Definitions) -> str:
    """Return `Kind/namespace/name`, or `Kind/name` without a namespace.

    Raises RefusedError for what kubectl cannot identify.
    """
    if not isinstance(item, dict):
        raise RefusedError(f"error validating data: not an object: {_short(item)}")
    for name in ("apiVersion", "kind"):
        if not isinstance(item.get(name), str) or not item[name]:
            raise RefusedError(f"error validating data: {name} not set in {_short(item)}")
    metadata = item.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise RefusedError(f"resource name may not be empty: {_short(item)}")
    namespace = metadata.get("namespace", "default")
    if not isinstance(namespace, str):
        raise RefusedError(f"metadata.namespace: Invalid value: must be a string: {_short(item)}")
    if is_namespaced(item, definitions):
        return f"{item['kind']}/{namespace}/{metadata['name']}"
    return f"{item['kind']}/{metadata['name']}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}…"
