"""The ledger refuses what an API server would, and does what CDK's handler has kubectl do."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks import manifests
from rehearsal.api_rules import RefusedError
from rehearsal.ledger import Ledger

LABEL = "aws.cdk.eks/prune-c8"


def config_map(name: str = "a", **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": {LABEL: ""}},
        **fields,
    }


def job(name: str = "prepare", command: str = "true") -> dict[str, Any]:
    container = {"name": "main", "image": "busybox:1", "command": [command]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default", "labels": {LABEL: ""}},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }


def crd() -> dict[str, Any]:
    return manifests.load_one("training-operator/pytorchjob-crd.yaml")


def training(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": {"name": "train", "namespace": "default"},
        "spec": {
            "pytorchReplicaSpecs": {
                "Worker": {
                    "replicas": 1,
                    "template": {"spec": {"containers": [{"name": "pytorch", "image": "i"}]}},
                }
            },
            **spec,
        },
    }


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("1.35")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (training(), "ensure CRDs are installed first"),
        (config_map(dat={}), "'dat' was unexpected"),
        ({**config_map(), "apiVersion": "v2"}, 'no matches for kind "ConfigMap" in version "v2"'),
        (
            {**config_map(), "metadata": {"name": "a", "namespace": "nowhere"}},
            'namespaces "nowhere" not found',
        ),
        (config_map(data={"a": "${Token[TOKEN.7]}"}), "unresolved CDK token"),
        (config_map(data={"a": 1}), "is not of type"),
    ],
)
def test_what_an_api_server_refuses(ledger: Ledger, item: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        ledger.create([item])
    assert reason in str(caught.value)
    assert ledger.objects == {}


def test_a_custom_object_needs_its_crd_and_keeps_to_its_schema(ledger: Ledger) -> None:
    ledger.create([crd()])
    ledger.create([training()])
    with pytest.raises(RefusedError, match="nProcPerNod"):
        ledger.apply([training(elasticPolicy={"nProcPerNod": 8})], None)


def test_create_refuses_what_is_there(ledger: Ledger) -> None:
    ledger.create([config_map()])
    with pytest.raises(RefusedError, match="already exists"):
        ledger.create([config_map()])


def test_a_jobs_template_cannot_change(ledger: Ledger) -> None:
    ledger.create([job()])
    with pytest.raises(RefusedError, match="field is immutable"):
        ledger.apply([job(command="false")], LABEL)
    ledger.apply([job("prepare-2", "false")], LABEL)
    assert list(ledger.objects) == ["Job/default/prepare-2"]


def test_an_immutable_config_map_cannot_change(ledger: Ledger) -> None:
    ledger.create([config_map(immutable=True, data={"a": "1"})])
    with pytest.raises(RefusedError, match="immutable"):
        ledger.apply([config_map(immutable=True, data={"a": "2"})], LABEL)


def test_apply_prunes_its_own_kinds_and_labels_alone(ledger: Ledger) -> None:
    other = config_map("other")
    other["metadata"]["labels"] = {}
    account = {**config_map("account"), "kind": "ServiceAccount"}
    ledger.create([config_map("old"), other, account])
    ledger.apply([config_map("new")], LABEL)
    # kubectl does not prune ServiceAccounts by default; they would be left.
    assert list(ledger.objects) == [
        "ConfigMap/default/other",
        "ServiceAccount/default/account",
        "ConfigMap/default/new",
    ]


def test_apply_of_the_same_is_no_step(ledger: Ledger) -> None:
    ledger.create([config_map()])
    count = len(ledger.steps)
    ledger.apply([copy.deepcopy(config_map())], LABEL)
    assert len(ledger.steps) == count


def test_a_crd_takes_its_objects_with_it(ledger: Ledger) -> None:
    ledger.create([crd(), training()])
    ledger.delete([crd()])
    assert ledger.objects == {}
    ledger.delete([crd()])


def test_a_chart_needs_its_namespace(ledger: Ledger) -> None:
    chart = {
        "release": "plugin",
        "chart": "plugin",
        "repository": "https://example.org",
        "version": "1.0.0",
        "namespace": "plugins",
        "create_namespace": False,
        "values": {},
    }
    with pytest.raises(RefusedError, match='namespaces "plugins" not found'):
        ledger.install(chart)
    ledger.install({**chart, "create_namespace": True})
    assert "plugins" in ledger.namespaces()
    with pytest.raises(RefusedError, match="without version"):
        ledger.install({**chart, "create_namespace": True, "version": ""})


def test_a_ledger_survives_its_file(ledger: Ledger, tmp_path: Path) -> None:
    ledger.create([config_map()])
    ledger.save(tmp_path / "ledger.json")
    assert Ledger.load(tmp_path / "ledger.json") == ledger
