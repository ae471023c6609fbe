"""The pod's program: a FASTA file that arrives late, and a result that is complete or absent."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import embed_job
from architecture import Architecture
from exchange import write_model
from model import Esm2
from ops.parquet import write_parquet

FASTA = b">a\nMKTAYIAKQR\n>b\nACDEF\n"
SIZE = Architecture(2, 32, 4, 64)


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """The pod's arguments, on a separate file system."""
    model = Esm2(SIZE)
    model.initialize(0)
    (tmp_path / "model").mkdir()
    (tmp_path / "linked").mkdir()
    write_model(tmp_path / "model", model.state_dict(), SIZE)
    given = {
        "--fasta": tmp_path / "linked/some.fasta",
        "--bytes": len(FASTA),
        "--out": tmp_path / "linked/some",
        "--scratch": tmp_path / "scratch",
        "--list": "embeddings.json",
        "--model": tmp_path / "model",
        "--device": "cpu",
    }
    return [str(part) for option in given.items() for part in option]


def test_a_file_that_arrives_late_and_in_parts_is_awaited(
    options: list[str], tmp_path: Path
) -> None:
    fasta, out = tmp_path / "linked/some.fasta", tmp_path / "linked/some"
    fasta.write_bytes(FASTA[:-3])
    later = threading.Timer(1.5, fasta.write_bytes, [FASTA])
    later.start()
    assert embed_job.main(options) == 0
    later.join()
    listed = json.loads((out / "embeddings.json").read_text())["files"]
    assert listed == {name: (out / name).stat().st_size for name in ("embeddings.npy", "ids.txt")}
    assert np.load(out / "embeddings.npy").shape == (2, SIZE.hidden)
    assert embed_job.main(options) == 0, "again, as after a node that was lost"
    assert not list((tmp_path / "scratch").iterdir())


def test_a_file_that_does_not_arrive_is_reported(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert embed_job.main([*options, "--patience", "0"]) == 1
    assert "has not arrived from S3 with its 23 bytes" in capsys.readouterr().err


def test_wrong_input_leaves_nothing_for_s3(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "linked/some.fasta").write_bytes(b"X" * len(FASTA))
    assert embed_job.main(options) == 2
    assert [path.name for path in (tmp_path / "linked").iterdir()] == ["some.fasta"]


def test_the_result_is_also_a_table(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "linked/some.fasta").write_bytes(FASTA)
    assert embed_job.main(options) == 0
    path = write_parquet(tmp_path / "linked/some")
    table = pq.read_table(path).to_pydict()
    assert table["id"] == ["a", "b"]
    vectors = np.load(tmp_path / "linked/some/embeddings.npy")
    np.testing.assert_array_equal(np.array(table["embedding"], np.float32), vectors)
