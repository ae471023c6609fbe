"""A manifest that failed in the middle does not block the next deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.kubernetes.objects import RefusedError
from rehearsal.local_aws.ledgers import LEDGERS, ledger_path
from rehearsal.local_aws.types import kubectl_provider
from rehearsal.local_aws.types.provisioner import Properties, Provisioner

KIND = "Custom::AWSCDK-EKS-KubernetesResource"
CLUSTER = "cluster"


def create(properties: Properties) -> None:
    handlers = Provisioner().handlers(kubectl_provider.TYPES)
    handlers[KIND]["create"]("Logical", properties, "stack")


def text(value: Any) -> str:
    """Resolve an Fn::Join; a fixed text replaces what only AWS can resolve."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else "fs-1" for part in value["Fn::Join"][1])


@pytest.fixture
def manifests(
    default: Any, ids: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Properties]:
    """Return what the provider gets for each manifest of the deployment, in order."""
    monkeypatch.setenv(LEDGERS, str(tmp_path))
    return [
        {
            **each["Properties"],
            "ClusterName": CLUSTER,
            "Manifest": text(each["Properties"]["Manifest"]),
        }
        for stack in ("Addons", "Workload")
        for each in default.resources(stack, KIND).values()
    ]


def fail_once_before(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail once, as if the cluster were unreachable, at the object with that number."""
    put = Ledger._put
    received: list[str] = []

    def put_or_fail(ledger: Ledger, verb: str, item: dict[str, Any]) -> None:
        received.append(item["metadata"]["name"])
        if len(received) == number + 1:
            raise RefusedError("Unable to connect to the server: i/o timeout")
        put(ledger, verb, item)

    monkeypatch.setattr(Ledger, "_put", put_or_fail)


@pytest.mark.slow
def test_each_manifest_is_created_after_a_failure_at_any_of_its_objects(
    manifests: list[Properties], tmp_path: Path
) -> None:
    assert len(manifests) > 3
    objects = 0
    for properties in manifests:
        items = json.loads(properties["Manifest"])
        before = ledger_path(tmp_path, CLUSTER)
        saved = before.read_bytes() if before.exists() else None
        for number in range(len(items)):
            before.unlink(missing_ok=True)
            if saved is not None:
                before.write_bytes(saved)
            with pytest.MonkeyPatch.context() as patch:
                fail_once_before(number, patch)
                with pytest.raises(RefusedError, match="i/o timeout"):
                    create(properties)
                assert len(Ledger.load(before).objects) == objects + number
                create(properties)
            assert len(Ledger.load(before).objects) == objects + len(items)
        objects += len(items)


def test_without_overwrite_it_would_be_refused(
    manifests: list[Properties], monkeypatch: pytest.MonkeyPatch
) -> None:
    properties = next(each for each in manifests if len(json.loads(each["Manifest"])) > 1)
    create(properties)
    monkeypatch.setitem(properties, "Overwrite", "false")
    with pytest.raises(RefusedError, match="AlreadyExists"):
        create(properties)
