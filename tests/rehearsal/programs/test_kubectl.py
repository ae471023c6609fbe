"""The pinned layer's own kubectl applies what the ledger holds, a second time too."""

from __future__ import annotations

import json
import platform
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.output.artifacts import write_objects
from rehearsal.programs.kubectl import (
    KubectlError,
    apply_in_order,
    ask,
    extract,
    refuse_another_machine,
)
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
    printed: list[str] = []
    with serving(api) as server:
        config = tmp_path / "config"
        config.write_text(kubeconfig(server))
        ask(kubectl, config, server)
        for _ in range(2):
            apply_in_order(kubectl, config, files, printed.append)
    assert api.patches == 6
    assert api.objects["/api/v1/namespaces/default/configmaps/a"]["data"] == {"a": "b"}
    assert "/apis/kubeflow.org/v1/namespaces/default/pytorchjobs/train" in api.objects
    assert (
        "customresourcedefinition.apiextensions.k8s.io/pytorchjobs.kubeflow.org condition met"
        in printed
    )
    with pytest.raises(KubectlError, match="kubectl apply --server-side failed"):
        apply_in_order(kubectl, config, files[:1], printed.append)
    with pytest.raises(
        KubectlError, match=f"kubeconfig {config}, {server}, (?s:.*)Nothing has been"
    ):
        ask(kubectl, config, server)


def test_kubectl_comes_from_the_layer_of_the_assembly(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "asset.1.zip", "w") as layer:
        layer.writestr("kubectl/kubectl", "#!/bin/sh\necho told: $* >&2\nexit 3\n")
    files = {"1": {"displayName": "Eks/KubectlLayer/Code", "source": {"path": "asset.1.zip"}}}
    (tmp_path / "Cluster.assets.json").write_text(json.dumps({"files": files}))
    kubectl = extract(tmp_path, tmp_path / "tools")
    # Another rehearsal, or a controller, may have set the same fields since.
    arguments = r"told: --kubeconfig \S+ .*apply --server-side --force-conflicts --filename \S+001"
    with pytest.raises(KubectlError, match=arguments):
        apply_in_order(kubectl, tmp_path / "config", [tmp_path / "001.yaml"], print)


@pytest.mark.parametrize("machine", [("Darwin", "x86_64"), ("Linux", "aarch64")])
def test_a_machine_that_cannot_run_the_layers_kubectl_is_told(
    monkeypatch: pytest.MonkeyPatch, machine: tuple[str, str]
) -> None:
    monkeypatch.setattr("platform.system", lambda: machine[0])
    monkeypatch.setattr("platform.machine", lambda: machine[1])
    with pytest.raises(KubectlError, match=f"{machine[0]} on {machine[1]}(?s:.*)kubectl apply"):
        refuse_another_machine()


def test_a_kubectl_that_does_not_run_is_told(tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_bytes(b"\x7fELF of another machine")
    kubectl.chmod(0o755)
    with pytest.raises(KubectlError, match="does not run here: Exec format error"):
        apply_in_order(kubectl, tmp_path / "config", [tmp_path / "001.yaml"], print)


def test_an_assembly_without_a_layer_is_told(tmp_path: Path) -> None:
    with pytest.raises(KubectlError, match="no kubectl layer"):
        extract(tmp_path, tmp_path)
