"""The container's own preparation: run once, and never beside another data set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workloads.uniref50.harness import PROGRAM

SIZES = ["--val-size", "1", "--test-size", "2", "--num-csv-files", "3", "--seed", "0"]
# Stands in for NVIDIA's package, which the container alone has.
BIONEMO = """
from pathlib import Path
class UniRef50Preprocess:
    def __init__(self, root_directory):
        self.root = Path(root_directory)
    def prepare_dataset(self, **given):
        (self.root / "processed").mkdir(exist_ok=True)
        with (self.root / "processed" / "calls").open("a") as sink:
            print(sorted(given.items()), file=sink)
"""


def prepare(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    package = root / "packages/bionemo"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    (package / "data.py").write_text(BIONEMO)
    return subprocess.run(
        [
            *(sys.executable, str(PROGRAM.with_name("prepare_with_bionemo.py"))),
            *("--root", str(root), *SIZES, *options),
        ],
        env={**os.environ, "PYTHONPATH": str(root / "packages")},
        capture_output=True,
        text=True,
        check=False,
    )


def calls(root: Path) -> list[str]:
    return (root / "processed/calls").read_text().splitlines()


@pytest.mark.parametrize("options", [[], ["--replace"]])
def test_it_runs_once(tmp_path: Path, options: list[str]) -> None:
    """60 hours are not spent again on what is there."""
    assert prepare(tmp_path).returncode == 0
    assert "nothing to do" in prepare(tmp_path, *options).stdout
    (call,) = calls(tmp_path)
    assert "('random_seed', 0), ('source', 'uniprot'), ('test_size', 2), ('val_size', 1)" in call


@pytest.mark.parametrize("text", [json.dumps({"preparation": "streaming"}), "no JSON"])
def test_another_data_set_is_kept_unless_it_may_be_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "processed/train").mkdir(parents=True)
    (tmp_path / "processed/_SUCCESS").write_text(text)
    index = tmp_path / "processed/train/x000.csv.idx.npy"
    index.touch()
    done = prepare(tmp_path)
    assert done.returncode == 2
    assert "tells of another data set" in done.stderr
    assert "Traceback" not in done.stderr
    assert index.exists()
    assert prepare(tmp_path, "--replace").returncode == 0
    assert not index.exists()
    assert len(calls(tmp_path)) == 1
