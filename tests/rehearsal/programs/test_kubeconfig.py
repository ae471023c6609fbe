"""A kubeconfig without a cluster is refused: kubectl would use one on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.programs.kubeconfig import KubeconfigError, server_of
from tests.rehearsal.kubernetes_api import kubeconfig

GOOD = yaml.safe_load(kubeconfig("https://10.0.0.1:6443"))


def test_the_server_is_the_current_contexts(tmp_path: Path) -> None:
    file = tmp_path / "config"
    more = {"name": "other", "cluster": {"server": "https://10.0.0.2"}}
    file.write_text(yaml.safe_dump({**GOOD, "clusters": [more, *GOOD["clusters"]]}))
    assert server_of(file) == "https://10.0.0.1:6443"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not a kubeconfig file"),
        ("\x00\x01", "it is not YAML"),
        ("a: [", "it is not YAML"),
        ("just words", "Expected key contexts"),
        ({"current-context": None}, "Expected key current-context"),
        ({"current-context": "d"}, "Expected object with name d in config/contexts"),
        ({"contexts": None}, "Expected key contexts"),
        ({"contexts": [{"name": "c"}]}, "Expected key context in"),
        ({"clusters": "c"}, "not a kubeconfig file"),
        ({"clusters": [{"name": "c", "cluster": {"server": ""}}]}, "has no server"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, "Expected key server"),
        (
            {"clusters": [{"name": "d", "cluster": {"server": "https://d"}}]},
            "Expected object with name c in config/clusters",
        ),
    ],
)
def test_a_file_without_a_cluster_is_refused(content: Any, why: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump({**GOOD, **content}))
    with pytest.raises(KubeconfigError, match=f"kubeconfig {file} .*{why}(?s:.*)config view"):
        server_of(file)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KubeconfigError, match="it is not YAML"):
        server_of(file)
