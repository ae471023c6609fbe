"""A user's own FASTA file: sizes that follow from it, what is reported, what is refused."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path
from typing import Any

import pytest

import arrival
import command_line
import prepare_uniref50
from layout import Split, Wanted, rows_of
from problems import SourceError
from tests.workloads.uniref50.harness import run

# 600 records, of 11 letters each, two of which are not amino acids.
RECORDS, TEXT = 600, "".join(f">mine{number}\nMKXUOBZ*AJW\n" for number in range(600))


def manifest(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "processed/_SUCCESS").read_text())
    return found


@pytest.mark.parametrize(
    ("records", "wanted", "sizes"),
    [
        # The defaults for UniRef50.
        (60_000_000, Wanted(), (5000, 1_000_000)),
        (570_000, Wanted(), (5000, 11_400)),
        # The share would be too few for a step's batch, or for the files.
        (500, Wanted(least=50), (50, 50)),
        (60, Wanted(least=50), (20, 20)),
        (1000, Wanted(0.05, 10), (50, 10)),
        (1000, Wanted(7, 0.5), (7, 500)),
        (1000, Wanted(7), (7, 20)),
        (1000, Wanted(0, 0), (0, 0)),
    ],
)
def test_sizes_that_are_not_set_follow_from_the_records(
    records: int, wanted: Wanted, sizes: tuple[int, int]
) -> None:
    split = wanted.split(records)
    assert split == Split(*sizes, 50, 0)
    assert sum(rows_of(records, split).values()) == records


def test_a_plain_file_is_split_and_reported(tmp_path: Path) -> None:
    (tmp_path / "mine.fasta").write_text(TEXT)
    done = run("--root", tmp_path, "--fasta", tmp_path / "mine.fasta", "--num-csv-files", 4)
    assert done.returncode == 0, done.stderr
    assert "600 records, 6,600 residues" in done.stdout
    assert "1,200 letters that are not amino acids: '*' 600, 'J' 600" in done.stdout
    found = manifest(tmp_path)
    assert found["counts"] == {"val": 6, "test": 12, "train": 582}
    assert found["residues"] == 6600
    assert found["no_amino_acids"] == {"*": 600, "J": 600}


def test_a_file_without_a_suffix_may_be_gzip_and_small_letters_count(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(gzip.compress(TEXT.lower().encode()))
    options = ("--root", tmp_path, "--fasta", tmp_path / "mine", "--num-csv-files", 4)
    assert run(*options).returncode == 0
    found = manifest(tmp_path)
    assert (found["records"], found["no_amino_acids"]) == (RECORDS, {"*": 600, "J": 600})
    # Sizes that are not set match, and so does another share of the same number.
    assert "nothing to do" in run(*options, "--val-size", 0.0101).stdout
    done = run(*options, "--val-size", 0.02)
    assert done.returncode == 2
    assert "val_size is 6, requested is 12" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--val-size=0.0001", "the split val has 0 rows of 600"),
        ("--test-size=0.0001", "the split test has 0 rows of 600"),
        ("--val-size=300 --test-size=300", "the split train has 0 rows of 600"),
        ("--val-size=0.5 --test-size=0.6", "600 records are fewer than --val-size 300 and"),
        ("--global-batch-size=250", "the split val has 200 rows, too few for one global batch"),
    ],
)
def test_a_split_without_rows_is_refused_as_wrong_input(
    options: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.fasta").write_text(TEXT)
    given = ["--root", str(tmp_path), "--fasta", str(tmp_path / "mine.fasta"), *options.split()]
    with pytest.raises(SourceError, match=message):
        prepare_uniref50.prepare(command_line.parser("").parse_args(given))
    assert not (tmp_path / "processed/_SUCCESS").exists()


@pytest.mark.parametrize("value", ["1.5", "-1", "nan", "inf", "1e99", "all", "0.0.1"])
def test_an_invalid_size_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command_line.parser("").parse_args(["--root", "x", f"--val-size={value}"])
    assert f"{value!r} is not allowed: give a whole number from 0 " in capsys.readouterr().err


def test_it_waits_for_a_file_from_another_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FSx lists the objects in S3 some time after it has created the link."""
    monkeypatch.setattr(arrival, "LOOK_SECONDS", 0.01)
    fasta = tmp_path / "mine.fasta"
    threading.Timer(0.05, fasta.touch).start()
    options = command_line.parser("").parse_args(["--root", "x", "--await", str(fasta)])
    arrival.await_files(options.awaited)
    assert fasta.exists()


def test_a_file_that_does_not_arrive_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arrival, "WAIT_SECONDS", 0.02)
    monkeypatch.setattr(arrival, "LOOK_SECONDS", 0.01)
    with pytest.raises(SourceError, match=f"{tmp_path}/mine.fasta: still does not exist after "):
        arrival.await_files([tmp_path, tmp_path / "mine.fasta"])
    assert capsys.readouterr().out.startswith(f"{tmp_path}/mine.fasta: does not exist yet, waiting")
