"""A training without a data Job starts only with a complete data set."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import data_there
from data_there import lacking, main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set as the data Job leaves it."""
    files = []
    for split in ("train", "val", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "x000.csv").write_text("a,b\n")
        files.append({"path": f"{split}/x000.csv", "bytes": 4})
    (tmp_path / "_SUCCESS").write_text(json.dumps({"files": files}))
    return tmp_path


def test_a_complete_data_set_lacks_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lacking(folder) == ""
    assert main(["--data", str(folder), "--patience", "0"]) == 0
    assert "complete" in capsys.readouterr().out


def without_manifest(folder: Path) -> None:
    (folder / "_SUCCESS").unlink()


def with_a_broken_manifest(folder: Path) -> None:
    (folder / "_SUCCESS").write_text("{")


def without_a_file(folder: Path) -> None:
    (folder / "val" / "x000.csv").unlink()


def with_half_a_file(folder: Path) -> None:
    (folder / "val" / "x000.csv").write_text("a")


def of_bionemo_without_a_split(folder: Path) -> None:
    (folder / "_SUCCESS").write_text(json.dumps({"preparation": "bionemo"}))
    without_a_file(folder)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_manifest, "_SUCCESS"),
        (with_a_broken_manifest, "_SUCCESS"),
        (without_a_file, "val/x000.csv"),
        (with_half_a_file, "val/x000.csv"),
        (of_bionemo_without_a_split, "val"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(
    folder: Path, spoil: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(folder)
    assert main(["--data", str(folder), "--patience", "0"]) == 2
    printed = capsys.readouterr()
    assert words in printed.out
    assert "dataset.enabled" in printed.err


def test_bionemos_own_manifest_lists_no_files(folder: Path) -> None:
    (folder / "_SUCCESS").write_text(json.dumps({"preparation": "bionemo"}))
    assert lacking(folder) == ""


def test_files_from_the_bucket_are_awaited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = folder / "val" / "x000.csv"
    late.unlink()
    monkeypatch.setattr(time, "sleep", lambda seconds: late.write_text("a,b\n"))
    assert data_there.main(["--data", str(folder), "--patience", "60"]) == 0
