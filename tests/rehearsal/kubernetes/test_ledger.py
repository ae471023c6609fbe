"""The ledger refuses what an API server would, and does what CDK's handler does in kubectl."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.kubernetes.objects import RefusedError
from tests.rehearsal.kubernetes_objects import LABEL, chart, config_map, crd, job, training


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("1.35")


def test_create_refuses_what_exists(ledger: Ledger) -> None:
    ledger.create([config_map()])
    with pytest.raises(RefusedError, match="already exists"):
        ledger.create([config_map()])


def test_a_jobs_template_cannot_change(ledger: Ledger) -> None:
    ledger.create([job()])
    with pytest.raises(RefusedError, match="field is immutable"):
        ledger.apply([job(command="false")], LABEL)
    ledger.apply([job("prepare-2", "false")], LABEL)
    assert list(ledger.objects) == ["Job/default/prepare-2"]


def test_apply_prunes_only_its_own_kinds_and_labels(ledger: Ledger) -> None:
    other = config_map("other")
    other["metadata"]["labels"] = {}
    account = {**config_map("account"), "kind": "ServiceAccount"}
    ledger.create([config_map("old"), other, account])
    ledger.apply([config_map("new")], LABEL)
    # kubectl does not prune ServiceAccounts by default.
    assert list(ledger.objects) == [
        "ConfigMap/default/other",
        "ServiceAccount/default/account",
        "ConfigMap/default/new",
    ]


def test_applying_the_same_is_not_a_step(ledger: Ledger) -> None:
    ledger.create([config_map()])
    count = len(ledger.steps)
    ledger.apply([copy.deepcopy(config_map())], LABEL)
    assert len(ledger.steps) == count


def test_apply_takes_over_what_a_failed_create_left(ledger: Ledger) -> None:
    ledger.create([config_map("a")])
    ledger.apply([config_map("a", data={"x": "y"}), config_map("b")], None)
    assert list(ledger.objects) == ["ConfigMap/default/a", "ConfigMap/default/b"]
    assert ledger.objects["ConfigMap/default/a"]["data"] == {"x": "y"}


def test_deleting_a_crd_deletes_its_objects(ledger: Ledger) -> None:
    ledger.create([crd(), training()])
    ledger.delete([crd()])
    assert ledger.objects == {}
    ledger.delete([crd()])


def test_a_chart_needs_its_namespace(ledger: Ledger) -> None:
    with pytest.raises(RefusedError, match='namespaces "plugins" not found'):
        ledger.install(chart())
    ledger.install(chart(create_namespace=True))
    assert "plugins" in ledger.namespaces()
    with pytest.raises(RefusedError, match="without version"):
        ledger.install(chart(create_namespace=True, version=""))


def test_a_charts_namespace_outlives_it(ledger: Ledger) -> None:
    ledger.install(chart(create_namespace=True))
    ledger.uninstall("plugin")
    assert ledger.charts == {}
    assert "plugins" in ledger.namespaces()


def test_a_ledger_survives_its_file(ledger: Ledger, tmp_path: Path) -> None:
    ledger.create([config_map()])
    ledger.save(tmp_path / "ledger.json")
    assert Ledger.load(tmp_path / "ledger.json") == ledger
