"""A stand-in for a cluster: records its objects, its charts, and every step.

It replaces the API server behind CDK's kubectl provider. The commands are those of CDK's own
handler: https://github.com/aws/aws-cdk/tree/main/packages/@aws-cdk/custom-resource-handlers/lib/aws-eks
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.objects import (
    Definitions,
    KubernetesObject,
    RefusedError,
    as_decoded,
    group_of,
    key_of,
)
from rehearsal.kubernetes.rules import check_change, check_object

_PRESENT_FROM_THE_START = ("default", "kube-system", "kube-public", "kube-node-lease")
# The kinds in this project that `kubectl apply --prune` removes by default:
# https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-to-delete-objects
_PRUNED = {
    "ConfigMap",
    "Deployment",
    "Job",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
}


@dataclass
class Ledger:
    """The state of one cluster: `objects` by key, `charts` by release, `steps` in order.

    `chart_namespaces` are those created by Helm, which outlive their charts.
    """

    kubernetes_version: str
    objects: dict[str, KubernetesObject] = field(default_factory=dict)
    charts: dict[str, dict[str, Any]] = field(default_factory=dict)
    chart_namespaces: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)

    def create(self, items: list[KubernetesObject]) -> None:
        """`kubectl create`: refuses what exists already."""
        for item in map(as_decoded, items):
            key = self._key(item)
            if key in self.objects:
                raise RefusedError(f"Error from server (AlreadyExists): {key} already exists")
            self._check(item)
            self._put("create", item)

    def apply(self, items: list[KubernetesObject], prune_label: str | None) -> None:
        """`kubectl apply --prune -l <label>`: creates or changes, then removes what is missing."""
        decoded = as_decoded(items)
        for item in decoded:
            key = self._key(item)
            before = self.objects.get(key)
            self._check(item)
            if before is not None:
                check_change(key, before, item)
            if before != item:
                self._put("apply", item)
        if prune_label:
            self._prune(prune_label, {self._key(item) for item in decoded})

    def delete(self, items: list[KubernetesObject]) -> None:
        """`kubectl delete`: a missing object is not an error for CDK's handler."""
        for item in items:
            key = self._key(item)
            if key in self.objects:
                self._remove("delete", key)

    def install(self, chart: dict[str, Any]) -> None:
        """`helm upgrade --install`."""
        namespace = chart["namespace"]
        missing = namespace not in self.namespaces()
        if missing and not chart["create_namespace"]:
            raise RefusedError(f'namespaces "{namespace}" not found')
        for name in ("release", "chart", "repository", "version"):
            if not chart.get(name):
                raise RefusedError(f"chart without {name}: {chart}")
        if missing:
            self.chart_namespaces.append(namespace)
        self.charts[chart["release"]] = chart
        self.steps.append({"verb": "helm upgrade --install", "key": chart["release"]})

    def uninstall(self, release: str) -> None:
        """`helm uninstall`."""
        if self.charts.pop(release, None) is not None:
            self.steps.append({"verb": "helm uninstall", "key": release})

    def namespaces(self) -> set[str]:
        """Return all namespaces: Kubernetes's own, applied ones, and those of charts."""
        applied = {
            each["metadata"]["name"]
            for each in self.objects.values()
            if each["kind"] == "Namespace"
        }
        return {*_PRESENT_FROM_THE_START, *applied, *self.chart_namespaces}

    def _definitions(self) -> Definitions:
        return {
            (each["spec"]["group"], each["spec"]["names"]["kind"]): each
            for each in self.objects.values()
            if each["kind"] == "CustomResourceDefinition"
        }

    def _key(self, item: KubernetesObject) -> str:
        return key_of(item, self._definitions())

    def _check(self, item: KubernetesObject) -> None:
        check_object(
            item,
            kubernetes_version=self.kubernetes_version,
            namespaces=self.namespaces(),
            crds=self._definitions(),
        )

    def _put(self, verb: str, item: KubernetesObject) -> None:
        key = self._key(item)
        self.objects[key] = item
        self.steps.append({"verb": verb, "key": key})

    def _prune(self, label: str, kept: set[str]) -> None:
        for key, item in list(self.objects.items()):
            labels = item["metadata"].get("labels", {})
            if key not in kept and label in labels and item["kind"] in _PRUNED:
                self._remove("prune", key)

    def _remove(self, verb: str, key: str) -> None:
        """Remove an object, and with it a namespace's content or a CRD's objects."""
        item = self.objects.pop(key)
        self.steps.append({"verb": verb, "key": key})
        for other, each in list(self.objects.items()):
            in_namespace = (
                item["kind"] == "Namespace"
                and each["metadata"].get("namespace") == item["metadata"]["name"]
            )
            of_kind = (
                item["kind"] == "CustomResourceDefinition"
                and each["kind"] == item["spec"]["names"]["kind"]
                and group_of(each) == item["spec"]["group"]
            )
            if in_namespace or of_kind:
                self._remove(f"removed with {key}", other)

    def save(self, path: Path) -> None:
        """Write the ledger to `path` as JSON, atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Ledger:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))
