"""Small valid Kubernetes objects, for tests to break."""

from __future__ import annotations

from typing import Any

from bionemo_eks.jobs import manifests

LABEL = "aws.cdk.eks/prune-c8"


def made(kind: str, api_version: str, name: str, **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": {LABEL: ""}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def config_map(name: str = "a", **fields: Any) -> dict[str, Any]:
    return made("ConfigMap", "v1", name, **fields)


def template(container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """Return a pod template with one container, changed by `container`."""
    first = {"name": "main", "image": "busybox:1", **(container or {})}
    return {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [first], **spec}}


def job(name: str = "prepare", command: str = "true", **spec: Any) -> dict[str, Any]:
    pod = template({"command": [command]}, restartPolicy="Never")
    return made("Job", "batch/v1", name, spec={"template": pod, **spec})


def deployment(**spec: Any) -> dict[str, Any]:
    whole = {"selector": {"matchLabels": {"app": "a"}}, "template": template(), **spec}
    return made("Deployment", "apps/v1", "operator", spec=whole)


def binding(**fields: Any) -> dict[str, Any]:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    subject = {"kind": "ServiceAccount", "name": "s", "namespace": "default"}
    return made(
        "RoleBinding",
        "rbac.authorization.k8s.io/v1",
        "b",
        **{"roleRef": role, "subjects": [subject], **fields},
    )


def volume(**spec: Any) -> dict[str, Any]:
    whole = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteMany"],
        "csi": {"driver": "fsx.csi.aws.com", "volumeHandle": "fs-1"},
        **spec,
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "v"},
        "spec": whole,
    }


def crd() -> dict[str, Any]:
    return manifests.load_one("training-operator/pytorchjob-crd.yaml")


def training(**spec: Any) -> dict[str, Any]:
    worker = {
        "replicas": 1,
        "template": {"spec": {"containers": [{"name": "pytorch", "image": "i"}]}},
    }
    whole = {"pytorchReplicaSpecs": {"Worker": worker}, **spec}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": {"name": "train", "namespace": "default"},
        "spec": whole,
    }


def chart(**fields: Any) -> dict[str, Any]:
    return {
        "release": "plugin",
        "chart": "plugin",
        "repository": "https://example.org",
        "version": "1.0.0",
        "namespace": "plugins",
        "create_namespace": False,
        "values": {},
        **fields,
    }
