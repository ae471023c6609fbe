"""The kubectl of the Lambda layer: where it comes from, and where it cannot run."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from rehearsal.programs.kubectl import Kubectl, KubectlError, extract, refuse_another_machine


def test_kubectl_comes_from_the_layer_of_the_assembly(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "asset.1.zip", "w") as layer:
        layer.writestr("kubectl/kubectl", "#!/bin/sh\necho given: $* >&2\ncat >&2\nexit 3\n")
    files = {"1": {"displayName": "Eks/KubectlLayer/Code", "source": {"path": "asset.1.zip"}}}
    (tmp_path / "Cluster.assets.json").write_text(json.dumps({"files": files}))
    kubectl = Kubectl(extract(tmp_path, tmp_path / "tools"), tmp_path / "config", print)
    with pytest.raises(KubectlError, match=r"given: apply -f - --kubeconfig \S+; {\"a\": 1}"):
        kubectl.run("apply", "-f", "-", items=[{"a": 1}])


def test_what_takes_long_is_reported_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rehearsal.programs.kubectl._REPORT_SECONDS", 0.2)
    program, lines = tmp_path / "kubectl", list[str]()
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    with pytest.raises(KubectlError, match="kubectl get pods did not end within 1 s"):
        Kubectl(program, tmp_path / "config", lines.append).run("get", "pods", seconds=1)
    assert "kubectl get pods has been running for 0 s; the limit is 1 s." in lines


@pytest.mark.parametrize("machine", [("Darwin", "x86_64"), ("Linux", "aarch64")])
def test_a_machine_that_cannot_run_the_layers_kubectl_is_refused(
    monkeypatch: pytest.MonkeyPatch, machine: tuple[str, str]
) -> None:
    monkeypatch.setattr("platform.system", lambda: machine[0])
    monkeypatch.setattr("platform.machine", lambda: machine[1])
    with pytest.raises(KubectlError, match=f"{machine[0]} on {machine[1]}(?s:.*)kubectl apply"):
        refuse_another_machine()


def test_a_kubectl_that_does_not_run_is_reported(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    with pytest.raises(KubectlError, match="does not run here: Exec format error"):
        Kubectl(program, tmp_path / "config", print).run("get", "pods")


def test_an_assembly_without_a_layer_is_reported(tmp_path: Path) -> None:
    with pytest.raises(KubectlError, match="no kubectl layer"):
        extract(tmp_path, tmp_path)
