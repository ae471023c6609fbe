"""What a Kubernetes object is called, and the error with which an API server refuses one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KubernetesObject = dict[str, Any]
# (group, kind) to the CustomResourceDefinition that is there.
Definitions = Mapping[tuple[str, str], KubernetesObject]

# Kubernetes' own kinds without a namespace: `kubectl api-resources --namespaced=false`.
CLUSTER_SCOPED = {
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterTrustBundle",
    "ComponentStatus",
    "CustomResourceDefinition",
    "DeviceClass",
    "FlowSchema",
    "IPAddress",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ResourceSlice",
    "RuntimeClass",
    "SelfSubjectAccessReview",
    "SelfSubjectReview",
    "SelfSubjectRulesReview",
    "ServiceCIDR",
    "StorageClass",
    "SubjectAccessReview",
    "TokenReview",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
    "VolumeAttributesClass",
}


class RefusedError(ValueError):
    """The API server would answer with an error; the text is that error."""


def group_of(item: KubernetesObject) -> str:
    """Return the API group, "" for the core one."""
    group: str = item["apiVersion"].rpartition("/")[0]
    return group


def is_namespaced(item: KubernetesObject, definitions: Definitions) -> bool:
    """Tell whether objects of this kind live in a namespace; a CRD says so for its own kind."""
    definition = definitions.get((group_of(item), item["kind"]))
    if definition is not None:
        return bool(definition["spec"].get("scope") == "Namespaced")
    return item["kind"] not in CLUSTER_SCOPED


def key_of(item: KubernetesObject, definitions: Definitions) -> str:
    """Return `Kind/namespace/name`, or `Kind/name` for what has no namespace.

    Raises RefusedError for what kubectl cannot tell apart from other objects.
    """
    for name in ("apiVersion", "kind"):
        if not isinstance(item.get(name), str) or not item[name]:
            raise RefusedError(f"error validating data: {name} not set in {_short(item)}")
    metadata = item.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise RefusedError(f"resource name may not be empty: {_short(item)}")
    if is_namespaced(item, definitions):
        return f"{item['kind']}/{metadata.get('namespace', 'default')}/{metadata['name']}"
    return f"{item['kind']}/{metadata['name']}"


def _short(item: KubernetesObject) -> str:
    text = repr(item)
    return text if len(text) <= 120 else f"{text[:120]}…"
