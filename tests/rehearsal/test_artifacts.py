"""The files that `--keep` leaves can be read by a person, and taken by kubectl."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from rehearsal.artifacts import write_objects
from rehearsal.ledger import Ledger
from rehearsal.pinned_kubectl import KubectlError, apply_in_order, extract


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
    with pytest.raises(KubectlError, match=r"told: --kubeconfig \S+ .*apply --server-side"):
        apply_in_order(kubectl, tmp_path / "config", [tmp_path / "001.yaml"], print)


def test_an_assembly_without_a_layer_is_told(tmp_path: Path) -> None:
    with pytest.raises(KubectlError, match="no kubectl layer"):
        extract(tmp_path, tmp_path)
