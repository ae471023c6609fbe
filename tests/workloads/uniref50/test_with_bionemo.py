"""The container's own preparation: run once, and never over another data set."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyfastx
import pytest

import prepare_with_bionemo
from publish import TRAININGS_OWN
from tests.workloads.uniref50.harness import PROGRAM

pytestmark = pytest.mark.slow

SIZES = ["--val-size", "1", "--test-size", "2", "--num-csv-files", "3", "--seed", "0"]
# Stands in for NVIDIA's package, which only the container has. It uses pyfastx too, and the file
# `network` lists what happens to each download.
BIONEMO = """
import gzip, json, os, pathlib, shutil
import numpy as np
import pyfastx

class UniRef50Preprocess:
    def __init__(self, root_directory):
        self.root = pathlib.Path(root_directory)

    def prepare_dataset(self, **given):
        with (self.root / "calls").open("a") as sink:
            print(sorted(given.items()), file=sink)
        raw = self.root / "raw"
        raw.mkdir(exist_ok=True)
        plain, packed = raw / "uniref50.fasta", raw / "uniref50.fasta.gz"
        if not plain.exists():
            if not packed.exists():
                self.download(packed)
            with gzip.open(packed) as source, (raw / "tmp").open("wb") as sink:
                shutil.copyfileobj(source, sink)
            (raw / "tmp").rename(plain)
            packed.unlink()
        records = pyfastx.Fasta(str(plain), build_index=True, uppercase=True)
        ids = np.arange(len(records))
        val, test = given["val_size"], given["val_size"] + given["test_size"]
        for name, part in (("train", ids[test:]), ("val", ids[:val]), ("test", ids[val:test])):
            folder = self.root / "processed" / name
            folder.mkdir(parents=True, exist_ok=True)
            for index, rows in enumerate(np.array_split(part, given["num_csv_files"])):
                text = "".join(records[int(row)].name + chr(10) for row in rows)
                (folder / f"x{index:03d}.csv").write_text("header" + chr(10) + text)

    def download(self, path):
        network = self.root / "network"
        happens = network.read_text().split() if network.exists() else []
        network.write_text(" ".join(happens[1:]))
        content = gzip.compress(b"".join(b">r%d" % n + b"\\nACGT\\n" for n in range(40)))
        if happens[:1] == ["breaks"]:
            content = content[:-20]
        elif happens[:1] == ["away"]:
            raise ConnectionRefusedError("no one there")
        elif happens[:1] == ["bug"]:
            raise AttributeError("a fault\\nof two lines")
        path.write_bytes(content)
"""


# Without the hours of waiting.
QUICK = """
import runpy, sys
import time
time.sleep = lambda seconds: print("slept", seconds)
sys.argv.pop(0)
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def prepare(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    package = root / "packages/bionemo"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    (package / "data.py").write_text(BIONEMO)
    return subprocess.run(
        [
            *(sys.executable, "-c", QUICK, str(PROGRAM.with_name("prepare_with_bionemo.py"))),
            *("--root", str(root), *SIZES, *options),
        ],
        env={**os.environ, "PYTHONPATH": str(root / "packages")},
        capture_output=True,
        text=True,
        check=False,
    )


def calls(root: Path) -> list[str]:
    return (root / "calls").read_text().splitlines()


@pytest.mark.parametrize("options", [[], ["--replace"]])
def test_it_runs_once(tmp_path: Path, options: list[str]) -> None:
    """60 hours are not spent again on an existing data set."""
    assert prepare(tmp_path).returncode == 0
    assert "nothing to do" in prepare(tmp_path, *options).stdout
    (call,) = calls(tmp_path)
    assert "('random_seed', 0), ('source', 'uniprot'), ('test_size', 2), ('val_size', 1)" in call


@pytest.mark.parametrize("text", [json.dumps({"preparation": "streaming"}), "no JSON"])
def test_another_data_set_is_kept_unless_it_may_be_replaced(tmp_path: Path, text: str) -> None:
    processed = tmp_path / "processed"
    old = [
        "train/x000.csv.idx.npy",
        "fsx/processed/train/x000.csv.idx.info",
        "__indexmap_128000000mns_512msl_0.00ssp_1234s.npy",
        "train/x049.csv",
    ]
    for name in old:
        (processed / name).parent.mkdir(parents=True, exist_ok=True)
        (processed / name).touch()
    (processed / "_SUCCESS").write_text(text)
    done = prepare(tmp_path)
    assert done.returncode == 2
    assert "describes another data set" in done.stderr
    assert "Traceback" not in done.stderr
    assert all((processed / name).exists() for name in old)
    assert prepare(tmp_path, "--replace").returncode == 0
    assert not [name for name in old if (processed / name).exists()]
    assert len(calls(tmp_path)) == 1


def test_both_preparations_remove_the_same_files_of_an_old_one() -> None:
    """They share no code, because each is deployed on its own."""
    assert set(TRAININGS_OWN) <= set(prepare_with_bionemo.OLD)


@pytest.mark.parametrize("left", [b"", b"SQLite format 3", None])
def test_an_index_left_unfinished_by_a_kill_is_recreated(
    tmp_path: Path, left: bytes | None
) -> None:
    """pyfastx uses any it finds."""
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "uniref50.fasta").write_bytes(b"".join(b">r%d\nACGT\n" % n for n in range(40)))
    index = raw / "uniref50.fasta.fxi"
    if left is None:  # the tables are there, the records are not
        pyfastx.Fasta(str(raw / "uniref50.fasta"), build_index=True)
        with contextlib.closing(sqlite3.connect(index)) as tables:
            tables.execute("DELETE FROM seq")
            tables.execute("DELETE FROM stat")
            tables.commit()
    else:
        index.write_bytes(left)
    done = prepare(tmp_path)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "processed/train/x000.csv").read_text().splitlines()) > 1


def test_a_failure_is_one_line_that_the_alarm_matches(tmp_path: Path) -> None:
    (tmp_path / "network").write_text("bug")
    done = prepare(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: the container's preparation failed: AttributeError: a fau"
    )
    assert done.stderr.count("\n") == 1
    assert "data.py, line " in done.stderr
    assert prepare(tmp_path).returncode == 0


@pytest.mark.parametrize("happens", ["away", "breaks"])
def test_the_network_is_waited_for(happens: str, tmp_path: Path) -> None:
    (tmp_path / "network").write_text(f"{happens} {happens}")
    done = prepare(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "slept 60" in done.stdout
    assert "slept 120" in done.stdout
    assert "error:" not in done.stdout
    assert len(calls(tmp_path)) == 3


def test_the_network_is_not_waited_for_forever(tmp_path: Path) -> None:
    (tmp_path / "network").write_text("away " * 100)
    done = prepare(tmp_path)
    assert done.returncode == 1
    assert "ConnectionRefusedError: no one there" in done.stderr
    assert 5.9 * 3600 < sum(prepare_with_bionemo.PAUSES) < 6.1 * 3600


@pytest.mark.parametrize(
    ("batch", "options", "message"),
    [
        ("3", (), ""),
        ("4", (), "the split val has 3 rows, too few for a global batch of 4"),
        ("31", ("--val-size", "35", "--test-size", "35"), "the split train has 0 rows"),
    ],
)
def test_a_data_set_that_the_training_cannot_use_is_refused(
    batch: str, options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    """Wrong parameters before the hours are spent, the rest at the end."""
    for _ in range(2):
        sizes = ("--val-size", "3", "--test-size", "4", *options)
        done = prepare(tmp_path, *sizes, "--global-batch-size", batch)
        assert done.returncode == (2 if message else 0), done.stderr
        assert message in done.stderr
