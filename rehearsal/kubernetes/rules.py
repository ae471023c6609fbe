"""What a Kubernetes API server refuses; the ledger checks each object against it."""

from __future__ import annotations

from itertools import chain

import kubernetes_validate

from rehearsal.kubernetes import kinds, names, pods
from rehearsal.kubernetes.changes import changed_immutable_fields
from rehearsal.kubernetes.custom_objects import refusals
from rehearsal.kubernetes.objects import (
    CLUSTER_SCOPED,
    NAMESPACED,
    Definitions,
    KubernetesObject,
    RefusedError,
    as_decoded,
    is_namespaced,
    key_of,
)


def check_object(
    item: KubernetesObject,
    *,
    kubernetes_version: str,
    namespaces: set[str],
    crds: Definitions,
) -> None:
    """Raise RefusedError if an API server would refuse `item` as a new object."""
    item = as_decoded(item)
    key = key_of(item, crds)
    if "${Token[" in repr(item):
        raise RefusedError(f"{key}: has an unresolved CDK token")
    if is_namespaced(item, crds):
        namespace = item["metadata"].get("namespace", "default")
        if namespace not in namespaces:
            raise RefusedError(f'namespaces "{namespace}" not found ({key})')
    group, _, version = item["apiVersion"].rpartition("/")
    crd = crds.get((group, item["kind"]))
    if crd is not None:
        _check_custom(key, item, crd, version)
        # A definition does not describe `metadata`, which is the same for all objects.
        alike = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": item["metadata"]}
        _check_built_in(key, alike, kubernetes_version)
        wrong = list(names.problems(item))
    else:
        _check_built_in(key, item, kubernetes_version)
        rules = (names.problems, pods.problems, kinds.problems)
        wrong = list(chain.from_iterable(problems(item) for problems in rules))
    if wrong:
        raise RefusedError(f"{key} is invalid: {'; '.join(wrong)}")


def _check_custom(key: str, item: KubernetesObject, crd: KubernetesObject, version: str) -> None:
    served = {each["name"]: each for each in crd["spec"]["versions"] if each["served"]}
    if version not in served:
        raise RefusedError(
            f'no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}": '
            f"served are {', '.join(served)}"
        )
    wrong = refusals(served[version]["schema"]["openAPIV3Schema"], item)
    if wrong:
        raise RefusedError(f"{key} is invalid: {'; '.join(wrong)}")


def _check_built_in(key: str, item: KubernetesObject, kubernetes_version: str) -> None:
    try:
        kubernetes_validate.validate(item, kubernetes_version, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        raise RefusedError(
            f'no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}": '
            "ensure CRDs are installed first"
        ) from None
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(part) for part in error.path)
        raise RefusedError(f"{key} is invalid: {path}: {error.message}") from None
    if item["kind"] not in CLUSTER_SCOPED | NAMESPACED:
        raise RefusedError(
            f"{key}: the rehearsal has no rules for this kind; the known ones are in "
            "rehearsal/kubernetes/objects.py"
        )


def check_change(key: str, before: KubernetesObject, after: KubernetesObject) -> None:
    """Raise RefusedError if the change affects immutable fields; the message names them."""
    changed = list(changed_immutable_fields(before, after))
    if changed:
        raise RefusedError(
            f"{key} is invalid: {'; '.join(f'{path}: field is immutable' for path in changed)}"
        )
