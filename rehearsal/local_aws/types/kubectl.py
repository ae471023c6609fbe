"""CDK's kubectl provider, with a ledger in place of the cluster behind it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ministack.services import eks
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.local_aws.ledgers import LEDGERS, ledger_path
from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.handlers import Made, Properties, handler, stable_id


@contextmanager
def _ledger(properties: Properties) -> Iterator[Ledger]:
    """Open the ledger of the cluster that `properties` names; save it, failed or not.

    CDK's handler asks for the cluster before it does anything, removals too: ValueError without.
    """
    name = properties["ClusterName"]
    references.cluster(name)
    cluster = eks._clusters[name]
    path = ledger_path(Path(os.environ[LEDGERS]), name)
    ledger = Ledger.load(path) if path.exists() else Ledger(cluster["version"])
    ledger.kubernetes_version = cluster["version"]
    try:
        yield ledger
    finally:
        ledger.save(path)


def _manifest(properties: Properties) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(properties["Manifest"])
    return items


def _create(logical_id: str, properties: Properties, stack: str) -> Made:
    with _ledger(properties) as ledger:
        ledger.create(_manifest(properties))
    return stable_id(logical_id, stack, logical_id), {}


def _update(
    physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Made:
    with _ledger(new) as ledger:
        ledger.apply(_manifest(new), new.get("PruneLabel"))
    return physical_id, {}


def _delete(physical_id: str, properties: Properties) -> None:
    with _ledger(properties) as ledger:
        ledger.delete(_manifest(properties))


def _chart(properties: Properties) -> dict[str, Any]:
    return {
        "release": properties["Release"],
        "chart": properties["Chart"],
        "repository": properties.get("Repository", ""),
        "version": properties.get("Version", ""),
        "namespace": properties.get("Namespace", "default"),
        "create_namespace": str(properties.get("CreateNamespace", "")).lower() == "true",
        "values": json.loads(properties.get("Values", "{}")),
    }


def _install(logical_id: str, properties: Properties, stack: str) -> Made:
    with _ledger(properties) as ledger:
        ledger.install(_chart(properties))
    return stable_id(logical_id, stack, logical_id), {}


def _upgrade(
    physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Made:
    with _ledger(new) as ledger:
        ledger.install(_chart(new))
    return physical_id, {}


def _uninstall(physical_id: str, properties: Properties) -> None:
    with _ledger(properties) as ledger:
        ledger.uninstall(properties["Release"])


def register() -> None:
    """Let a cluster's ledger go with the cluster: a new one of the name starts empty."""
    cluster = _RESOURCE_HANDLERS["AWS::EKS::Cluster"]
    original = cluster["delete"]

    def delete(physical_id: str, properties: Properties) -> None:
        original(physical_id, properties)
        ledger_path(Path(os.environ[LEDGERS]), physical_id).unlink(missing_ok=True)

    cluster["delete"] = delete


HANDLERS = {
    "Custom::AWSCDK-EKS-KubernetesResource": handler(_create, _update, _delete),
    "Custom::AWSCDK-EKS-HelmChart": handler(_install, _upgrade, _uninstall),
}
