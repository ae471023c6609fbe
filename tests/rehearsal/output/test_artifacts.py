"""The files that `--keep` leaves are readable."""

from __future__ import annotations

from pathlib import Path

import yaml

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.output.artifacts import write_objects


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
    # A program in a ConfigMap stays readable.
    assert "program.py: |\n    import os\n    print(os.name)\n" in files[0].read_text()
