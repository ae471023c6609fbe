"""What `_SUCCESS` tells, and what a later run does with it."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from bench.uniref50_data import write_fasta
from tests.workloads.uniref50.harness import csv_files, run

SIZES = ("--val-size", "10", "--test-size", "100", "--num-csv-files", "5")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_fasta(folder / "a.fasta", 1000)
    done = run("--root", folder, "--fasta", folder / "a.fasta", *SIZES)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A data set of the test's own, made from `made`/a.fasta."""
    shutil.copytree(made / "processed", tmp_path / "processed")
    return tmp_path


def again(made: Path, root: Path, *options: str) -> Any:
    return run("--root", root, "--fasta", made / "a.fasta", *SIZES, *options)


def manifest(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "processed/_SUCCESS").read_text())
    return found


def test_the_manifest_describes_each_file(made: Path) -> None:
    found = manifest(made)
    assert found["records"] == 1000
    assert found["counts"] == {"val": 10, "test": 100, "train": 890}
    files = csv_files(made)
    assert {file["path"] for file in found["files"]} == set(files)
    for file in found["files"]:
        content = files[file["path"]]
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["bytes"] == len(content)
        assert file["rows"] == content.count(b"\n") - 1
    assert found["source"]["md5"] == hashlib.md5((made / "a.fasta").read_bytes()).hexdigest()


def test_a_complete_data_set_is_left_alone_at_once(made: Path, root: Path) -> None:
    before = manifest(root)
    began = time.monotonic()
    done = again(made, root)
    assert done.returncode == 0
    assert "complete already, 1,000 records in 15 files; nothing to do" in done.stdout
    assert time.monotonic() - began < 2
    assert manifest(root) == before


def test_another_data_set_is_not_overwritten(made: Path, root: Path) -> None:
    before = csv_files(root)
    done = again(made, root, "--seed", "7")
    assert done.returncode == 2
    assert "seed is 0, asked for is 7" in done.stderr
    assert "--replace" in done.stderr
    assert csv_files(root) == before


def test_replace_leaves_nothing_of_the_old_one(made: Path, root: Path) -> None:
    before = csv_files(root)
    done = again(made, root, "--num-csv-files", "3", "--replace")
    assert done.returncode == 0, done.stderr
    assert len(csv_files(root)) == 9
    assert manifest(root)["num_csv_files"] == 3
    assert csv_files(root)["val/x000.csv"] != before["val/x000.csv"]


def test_a_changed_source_is_another_data_set(made: Path, root: Path, tmp_path: Path) -> None:
    source = tmp_path / "b.fasta"
    shutil.copy(made / "a.fasta", source)
    assert run("--root", root, "--fasta", source, *SIZES).returncode == 2


def test_the_marker_of_the_containers_own_preparation_is_another_data_set(
    made: Path, root: Path
) -> None:
    """As prepare_with_bionemo.py leaves it."""
    (root / "processed/_SUCCESS").write_text(json.dumps({"preparation": "bionemo", "seed": 0}))
    done = again(made, root)
    assert done.returncode == 2
    assert 'preparation is "bionemo", asked for is "streaming"' in done.stderr


@pytest.mark.parametrize("harm", ["missing", "short"])
def test_a_data_set_with_harm_is_made_anew(made: Path, root: Path, harm: str) -> None:
    right = csv_files(root)
    victim = root / "processed/train/x002.csv"
    if harm == "missing":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:-5])
    done = again(made, root)
    assert done.returncode == 0, done.stderr
    assert "1 of its files are not as it says (train/x002.csv): made anew" in done.stdout
    assert csv_files(root) == right


def test_files_without_a_manifest_are_made_anew(made: Path, root: Path) -> None:
    """An earlier deployment ended while it published."""
    right = csv_files(root)
    (root / "processed/_SUCCESS").unlink()
    (root / "processed/train/x000.csv").write_text("half")
    assert again(made, root).returncode == 0
    assert csv_files(root) == right
