"""The files that `--keep` leaves can be read by a person, and taken by kubectl."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.output.artifacts import write_objects
from rehearsal.programs.kubectl import (
    KubectlError,
    apply_in_order,
    extract,
    refuse_another_machine,
)


def config_map(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"program.py": "import os\nprint(os.name)\n"},
    }


def test_objects_are_numbered_and_unchanged(tmp_path: Path) -> None:
    ledger = Ledger("1.35")
    ledger.create([config_map("b"), config_map("a")])
    files = write_objects(tmp_path, ledger)
    assert [file.name for file in files] == ["001-ConfigMap-b.yaml", "002-ConfigMap-a.yaml"]
    assert yaml.safe_load(files[0].read_text()) == config_map("b")
    # A program in a ConfigMap reads as a program.
    assert "program.py: |\n    import os\n    print(os.name)\n" in files[0].read_text()


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
