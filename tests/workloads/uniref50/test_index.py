"""The index of lines with which the training reads the files."""

from __future__ import annotations

import shutil
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from bench.uniref50_data import write_fasta
from layout import SPLITS
from line_index import build_index, index_path, read_index
from tests.workloads.uniref50.harness import SMALL, run


def sequences(csv: Path) -> list[bytes]:
    """The sequences of a file, found with its index."""
    rows, text = read_index(csv), csv.read_bytes()
    assert rows is not None
    return [text[row["offset"] : row["offset"] + row["length"]] for row in rows[:-1]]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prepared")
    write_fasta(root / "a.fasta", 300)
    assert make(root, "--num-csv-files", 3).returncode == 0
    return root


def make(root: Path, *options: Any) -> CompletedProcess[str]:
    sizes = ("--val-size", 40, "--test-size", 50, "--workers", 1)
    return run("--root", root, "--fasta", root / "a.fasta", *sizes, *options, pieces=SMALL)


def test_each_file_has_its_index_from_the_same_pass(prepared: Path) -> None:
    files = sorted((prepared / "processed").glob("*/*.csv"))
    assert {file.parent.name for file in files} == set(SPLITS)
    for file in files:
        lines = file.read_bytes().splitlines()[1:]
        assert sequences(file) == [line.rpartition(b",")[2] for line in lines]
        assert index_path(file).stat().st_mode & 0o777 == file.stat().st_mode & 0o777
    written = [index_path(file).read_bytes() for file in files]
    for file in files:
        build_index(file)
    assert written == [index_path(file).read_bytes() for file in files]


def test_another_data_set_replaces_the_old_indexes(prepared: Path, tmp_path: Path) -> None:
    prepared = shutil.copytree(prepared, tmp_path / "again")
    assert make(prepared, "--num-csv-files", 2, "--seed", 7, "--replace").returncode == 0
    left = {path.name for path in (prepared / "processed").glob("*/*.index")}
    assert left == {"x000.csv.index", "x001.csv.index"}
    for file in (prepared / "processed").glob("*/*.csv"):
        assert sequences(file) == [
            line.rpartition(b",")[2] for line in file.read_bytes().splitlines()[1:]
        ]
