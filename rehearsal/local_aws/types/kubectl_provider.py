"""CDK's kubectl provider, with a ledger instead of a cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.kubernetes.relay import RELAY, Step, hand_over
from rehearsal.local_aws import private
from rehearsal.local_aws.ledgers import LEDGERS, ledger_path
from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.provisioner import Made, Properties, ResourceType, Wanted


@contextmanager
def _ledger(properties: Properties) -> Iterator[Ledger]:
    """Open the ledger of the cluster in `properties`; save it, even after a failure.

    CDK's handler looks up the cluster first, even for removals; a missing one is an error.
    """
    name = properties["ClusterName"]
    version = references.cluster_version(name)
    path = _path(name)
    ledger = Ledger.load(path) if path.exists() else Ledger(version)
    ledger.kubernetes_version = version
    try:
        yield ledger
    finally:
        ledger.save(path)


def _path(cluster: str) -> Path:
    return ledger_path(Path(os.environ[LEDGERS]), cluster)


def _manifest(properties: Properties) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(properties["Manifest"])
    return items


def _is_set(properties: Properties, name: str) -> bool:
    """Whether a property is true; CloudFormation passes it as text."""
    return str(properties.get(name, "")).lower() == "true"


def _create(wanted: Wanted) -> Made:
    items = _manifest(wanted.properties)
    verb = "apply" if _is_set(wanted.properties, "Overwrite") else "create"
    with _ledger(wanted.properties) as ledger:
        if verb == "apply":
            ledger.apply(items, None)
        else:
            ledger.create(items)
    _pass_on(Step(verb, items))
    return wanted.stable_id(wanted.logical_id), {}


def _update(physical_id: str, old: Properties, wanted: Wanted) -> Made:
    new = wanted.properties
    with _ledger(new) as ledger:
        ledger.apply(_manifest(new), new.get("PruneLabel"))
    _pass_on(Step("apply", _manifest(new), new.get("PruneLabel")))
    return physical_id, {}


def _delete(physical_id: str, properties: Properties) -> None:
    with _ledger(properties) as ledger:
        ledger.delete(_manifest(properties))
    _pass_on(Step("delete", _manifest(properties)))


def _pass_on(step: Step) -> None:
    """Pass the step on to the real cluster, if the rehearsal has one."""
    address = os.environ.get(RELAY)
    if address:
        hand_over(address, step)


def _chart(properties: Properties) -> dict[str, Any]:
    return {
        "release": properties["Release"],
        "chart": properties["Chart"],
        "repository": properties.get("Repository", ""),
        "version": properties.get("Version", ""),
        "namespace": properties.get("Namespace", "default"),
        "create_namespace": _is_set(properties, "CreateNamespace"),
        "values": json.loads(properties.get("Values", "{}")),
    }


def _install(wanted: Wanted) -> Made:
    _upgrade("", {}, wanted)
    return wanted.stable_id(wanted.logical_id), {}


def _upgrade(physical_id: str, old: Properties, wanted: Wanted) -> Made:
    with _ledger(wanted.properties) as ledger:
        ledger.install(_chart(wanted.properties))
    return physical_id, {}


def _uninstall(physical_id: str, properties: Properties) -> None:
    with _ledger(properties) as ledger:
        ledger.uninstall(properties["Release"])


def register() -> None:
    """Delete a cluster's ledger with it: a new one with the same name starts empty."""
    private.wrap_type("AWS::EKS::Cluster", "delete", _with_its_ledger)


def _with_its_ledger(delete: Callable[..., None], physical_id: str, properties: Properties) -> None:
    delete(physical_id, properties)
    _path(physical_id).unlink(missing_ok=True)


TYPES = {
    "Custom::AWSCDK-EKS-KubernetesResource": ResourceType(_create, _delete, _update),
    "Custom::AWSCDK-EKS-HelmChart": ResourceType(_install, _uninstall, _upgrade),
}
