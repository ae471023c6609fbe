"""The pinned layer's own kubectl applies what the ledger holds, a second time too.

A kubeconfig that leads to no cluster is told at once: kubectl would take one of this machine.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.output.artifacts import write_objects
from rehearsal.programs.kubeconfig import KubeconfigError, server_of
from rehearsal.programs.kubectl import KubectlError, apply_in_order, ask, extract
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


GOOD = yaml.safe_load(kubeconfig("https://10.0.0.1:6443"))


def test_the_server_is_the_current_contexts(tmp_path: Path) -> None:
    file = tmp_path / "config"
    more = {"name": "other", "cluster": {"server": "https://10.0.0.2"}}
    file.write_text(yaml.safe_dump({**GOOD, "clusters": [more, *GOOD["clusters"]]}))
    assert server_of(file) == "https://10.0.0.1:6443"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not built as a kubeconfig file"),
        ("\x00\x01", "it is not YAML"),
        ("a: [", "it is not YAML"),
        ("just words", "Expected key contexts"),
        ({"current-context": None}, "Expected key current-context"),
        ({"current-context": "d"}, "Expected object with name d in config/contexts"),
        ({"contexts": None}, "Expected key contexts"),
        ({"contexts": [{"name": "c"}]}, "Expected key context in"),
        ({"clusters": "c"}, "not built as a kubeconfig file"),
        ({"clusters": [{"name": "c", "cluster": {"server": ""}}]}, "has no server"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, "Expected key server"),
        (
            {"clusters": [{"name": "d", "cluster": {"server": "https://d"}}]},
            "Expected object with name c in config/clusters",
        ),
    ],
)
def test_a_file_that_leads_to_no_cluster_is_refused(content: Any, why: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump({**GOOD, **content}))
    with pytest.raises(KubeconfigError, match=f"kubeconfig {file} .*{why}(?s:.*)config view"):
        server_of(file)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KubeconfigError, match="it is not YAML"):
        server_of(file)
