"""No file of a data set is replaced while a training run reads it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bionemo_eks.jobs.places import DATA_LOCK, FSX
from prepare_with_bionemo import MARKER
from tests.workloads.uniref50.harness import PROGRAM, command
from tests.workloads.uniref50.test_with_bionemo import BIONEMO

SIZES = ["--val-size", "2", "--test-size", "3", "--num-csv-files", "1", "--seed", "0"]


def program(preparation: str, root: Path) -> list[str]:
    """Return the command line that replaces the data set in `root`."""
    if preparation == "streaming":
        fasta = root / "some.fasta"
        fasta.write_bytes(b"".join(b">r%d\nACGT\n" % n for n in range(40)))
        return command("--root", root, "--fasta", fasta, "--replace", *SIZES)
    package = root / "bionemo"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "data.py").write_text(BIONEMO)
    start = "import runpy, sys; sys.argv.pop(0); sys.path.insert(0, sys.argv.pop(0)); "
    start += 'runpy.run_path(sys.argv[0], run_name="__main__")'
    path = str(PROGRAM.with_name("prepare_with_bionemo.py"))
    return [sys.executable, "-c", start, str(root), path, "--root", str(root), "--replace", *SIZES]


@pytest.mark.parametrize("preparation", ["streaming", "bionemo"])
def test_it_waits_for_the_trainings_end(preparation: str, tmp_path: Path) -> None:
    old = tmp_path / "processed/train/x000.csv"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    (tmp_path / "processed" / MARKER).write_text("{}")
    lock = tmp_path / Path(DATA_LOCK).relative_to(FSX)
    with lock.open("w") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)  # what each worker holds
        with subprocess.Popen(
            program(preparation, tmp_path), stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            guard = threading.Timer(60, running.kill)
            guard.start()
            waits = next(line for line in running.stdout if "waiting for a training" in line)
            assert str(tmp_path) in waits
            assert old.read_text() == "old"
            fcntl.flock(reader, fcntl.LOCK_UN)
            running.stdout.read()
            assert running.wait(60) == 0
            guard.cancel()
    assert old.read_text() != "old"
