"""What an API server says about the kinds that it serves, as kubectl asks for it."""

from __future__ import annotations

from typing import Any

# Group and version to its kinds: plural, kind, whether namespaced.
Kinds = dict[str, list[tuple[str, str, bool]]]
# All that `--prune` searches, and what the project applies.
KINDS: Kinds = {
    "v1": [
        ("configmaps", "ConfigMap", True),
        ("endpoints", "Endpoints", True),
        ("namespaces", "Namespace", False),
        ("persistentvolumeclaims", "PersistentVolumeClaim", True),
        ("persistentvolumes", "PersistentVolume", False),
        ("pods", "Pod", True),
        ("replicationcontrollers", "ReplicationController", True),
        ("secrets", "Secret", True),
        ("serviceaccounts", "ServiceAccount", True),
        ("services", "Service", True),
    ],
    "apiextensions.k8s.io/v1": [("customresourcedefinitions", "CustomResourceDefinition", False)],
    "apps/v1": [
        ("daemonsets", "DaemonSet", True),
        ("deployments", "Deployment", True),
        ("replicasets", "ReplicaSet", True),
        ("statefulsets", "StatefulSet", True),
    ],
    "batch/v1": [("cronjobs", "CronJob", True), ("jobs", "Job", True)],
    "networking.k8s.io/v1": [("ingresses", "Ingress", True)],
    "rbac.authorization.k8s.io/v1": [
        ("clusterrolebindings", "ClusterRoleBinding", False),
        ("clusterroles", "ClusterRole", False),
        ("rolebindings", "RoleBinding", True),
        ("roles", "Role", True),
    ],
}


def discovery(served: Kinds) -> dict[str, Any]:
    """Return the answers, by path: version, groups, resources, and the index of the schemas."""
    fixed: dict[str, Any] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": _groups(served)},
        "/version": {"major": "1", "minor": "35", "gitVersion": "v1.35.0-tests"},
    }
    index = {}
    for each in served:
        base = base_of(each)
        index[base[1:]] = {"serverRelativeURL": f"/openapi{base}"}
        fixed |= {base: _resources(each, served), f"/openapi{base}": _schema(each, served)}
    fixed["/openapi/v3"] = {"paths": index}
    return fixed


def base_of(group_version: str) -> str:
    return f"/api/{group_version}" if "/" not in group_version else f"/apis/{group_version}"


def _groups(served: Kinds) -> list[dict[str, Any]]:
    found = []
    for each in served:
        group, _, version = each.rpartition("/")
        known = {"groupVersion": each, "version": version}
        if group:
            found.append({"name": group, "versions": [known], "preferredVersion": known})
    return found


def _resources(group_version: str, served: Kinds) -> dict[str, Any]:
    verbs = ["create", "delete", "get", "list", "patch", "watch"]
    return {
        "kind": "APIResourceList",
        "groupVersion": group_version,
        "resources": [
            {
                "name": plural,
                "singularName": kind.lower(),
                "kind": kind,
                "namespaced": namespaced,
                "verbs": verbs,
            }
            for plural, kind, namespaced in served[group_version]
        ],
    }


def _schema(group_version: str, served: Kinds) -> dict[str, Any]:
    """Declare that the server validates fields, so that kubectl leaves it to the server."""
    group, _, version = group_version.rpartition("/")
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1"},
        "paths": {
            f"{base_of(group_version)}/{plural}/{{name}}": {
                "patch": {
                    "parameters": [{"name": "fieldValidation", "in": "query"}],
                    "responses": {},
                    "x-kubernetes-group-version-kind": {
                        "group": group,
                        "version": version,
                        "kind": kind,
                    },
                }
            }
            for plural, kind, _ in served[group_version]
        },
    }
