"""What a Kubernetes API server refuses; the ledger asks before it takes an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import kubernetes_validate

from rehearsal.crd_schema import refusals

KubernetesObject = dict[str, Any]

# Kinds without a namespace that this project, or a chart's user, may apply.
CLUSTER_SCOPED = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
}


class RefusedError(ValueError):
    """The API server would answer with an error; the text is that error."""


def key_of(item: KubernetesObject) -> str:
    """Return `Kind/namespace/name`, or `Kind/name` for what has no namespace."""
    metadata = item["metadata"]
    if item["kind"] in CLUSTER_SCOPED:
        return f"{item['kind']}/{metadata['name']}"
    return f"{item['kind']}/{metadata.get('namespace', 'default')}/{metadata['name']}"


def check_object(
    item: KubernetesObject,
    *,
    kubernetes_version: str,
    namespaces: set[str],
    crds: Mapping[tuple[str, str], KubernetesObject],
) -> None:
    """Raise RefusedError when an API server would not take `item` as a new object.

    `crds` maps (group, kind) to the CustomResourceDefinition that is there.
    """
    if "${Token[" in repr(item):
        raise RefusedError(f"{key_of(item)}: holds an unresolved CDK token")
    if item["kind"] not in CLUSTER_SCOPED:
        namespace = item["metadata"].get("namespace", "default")
        if namespace not in namespaces:
            raise RefusedError(f'namespaces "{namespace}" not found ({key_of(item)})')
    group, _, version = item["apiVersion"].rpartition("/")
    crd = crds.get((group, item["kind"]))
    if crd is not None:
        _check_custom(item, crd, version)
    else:
        _check_built_in(item, kubernetes_version)


def _check_custom(item: KubernetesObject, crd: KubernetesObject, version: str) -> None:
    served = {each["name"]: each for each in crd["spec"]["versions"] if each["served"]}
    if version not in served:
        raise RefusedError(
            f'no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}": '
            f"served are {', '.join(served)}"
        )
    wrong = refusals(served[version]["schema"]["openAPIV3Schema"], item)
    if wrong:
        raise RefusedError(f"{key_of(item)} is invalid: {'; '.join(wrong)}")


def _check_built_in(item: KubernetesObject, kubernetes_version: str) -> None:
    try:
        kubernetes_validate.validate(item, kubernetes_version, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        raise RefusedError(
            f'no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}": '
            "ensure CRDs are installed first"
        ) from None
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(part) for part in error.path)
        raise RefusedError(f"{key_of(item)} is invalid: {path}: {error.message}") from None


# What cannot be changed once the object is there. Sources: the `immutable` notes of each kind's
# API reference at https://kubernetes.io/docs/reference/kubernetes-api/
_IMMUTABLE: dict[str, Callable[[KubernetesObject], Any]] = {
    "Job": lambda job: {
        name: job["spec"].get(name)
        for name in ("template", "selector", "completions", "podFailurePolicy", "completionMode")
    },
    "Deployment": lambda each: each["spec"].get("selector"),
    "DaemonSet": lambda each: each["spec"].get("selector"),
    "StatefulSet": lambda each: each["spec"].get("selector"),
    "PersistentVolume": lambda volume: {
        name: volume["spec"].get(name) for name in ("csi", "volumeMode")
    },
    "PersistentVolumeClaim": lambda claim: claim["spec"],
    "RoleBinding": lambda binding: binding["roleRef"],
    "ClusterRoleBinding": lambda binding: binding["roleRef"],
    "StorageClass": lambda each: {
        name: each.get(name) for name in ("provisioner", "parameters", "reclaimPolicy")
    },
}


def check_change(before: KubernetesObject, after: KubernetesObject) -> None:
    """Raise RefusedError when the change touches an immutable field."""
    fields = _IMMUTABLE.get(after["kind"])
    if fields is not None and fields(before) != fields(after):
        raise RefusedError(f"{key_of(after)} is invalid: spec: Invalid value: field is immutable")
    if before.get("immutable") and before.get("data") != after.get("data"):
        raise RefusedError(f"{key_of(after)} is invalid: data: Forbidden: field is immutable")
