"""Full disks, kills and damage: one message, and nothing partial under a final name."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.uniref50_data import write_fasta
from tests.workloads.uniref50.harness import (
    BEFORE_PUBLISHING,
    SMALL,
    command,
    csv_files,
    run,
    start,
    stop,
)

# Each starts the program, most of them more than once.
pytestmark = pytest.mark.slow

SIZES = ("--val-size", "10", "--test-size", "100", "--num-csv-files", "5", "--workers", "2")


# The program's own write call, made to fail after a number of bytes, in any process.
FAILING_WRITE = """
import errno, os, sys
folder = sys.argv.pop(1)
sys.path[:0] = [folder, os.path.join(os.path.dirname(folder), "common")]
import durable, order, segments
segments.SMALL_PIECE = segments.LARGE_PIECE = 64 << 10
limit, written = int(sys.argv.pop(1)), 0
number = getattr(errno, sys.argv.pop(1))
real = os.write
def write(descriptor, data):
    global written
    written += len(data)
    if written > limit:
        raise OSError(number, os.strerror(number))
    return real(descriptor, data)
os.write = write
import prepare_uniref50
status = prepare_uniref50.main()
sys.stdout.flush()
os._exit(status)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "a.fasta.gz"
    write_fasta(path, 6000)
    return path


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory, source: Path) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("right")
    done = run("--root", root, "--fasta", source, *SIZES)
    assert done.returncode == 0, done.stderr
    return csv_files(root)


@pytest.mark.parametrize("limit", [0, 300_000, 2_000_000, 2_800_000])
def test_a_full_disk_stops_with_a_message_and_a_rerun_resumes(
    limit: int, tmp_path: Path, source: Path, right: dict[str, bytes]
) -> None:
    arguments = ["--root", str(tmp_path), "--fasta", str(source), *SIZES, "--workers", "1"]
    folder = str(Path(command()[1]).parent)
    done = subprocess.run(
        [sys.executable, "-c", FAILING_WRITE, folder, str(limit), "ENOSPC", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no space left" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not csv_files(tmp_path)
    again = run(*arguments)
    assert again.returncode == 0, again.stderr
    assert csv_files(tmp_path) == right


def test_a_file_size_limit_is_named(tmp_path: Path, source: Path) -> None:
    done = subprocess.run(
        command("--root", tmp_path, "--fasta", source, *SIZES),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "file size limit" in done.stderr


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("EACCES", "no permission; run as a user who may read and write there"),
        ("EROFS", "the file system is mounted read-only"),
        ("EDQUOT", "the quota is used up"),
        ("EIO", "Input/output error"),
    ],
)
def test_a_refused_write_is_a_message(
    error: str, message: str, tmp_path: Path, source: Path
) -> None:
    folder = str(Path(command()[1]).parent)
    arguments = ["--root", str(tmp_path), "--fasta", str(source), *SIZES]
    done = subprocess.run(
        [sys.executable, "-c", FAILING_WRITE, folder, "0", error, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.startswith(f"error: {tmp_path}/raw/")


@pytest.mark.parametrize("pieces", [SMALL, 0])
def test_killed_at_random_moments_a_rerun_ends_with_the_same_bytes(
    pieces: int, tmp_path: Path, source: Path, right: dict[str, bytes]
) -> None:
    """One data set, killed again and again; `bench/uniref50_faults.py` does it 50 times.

    The last run may also be a program that cuts the work into other pieces.
    """
    arguments = ("--root", tmp_path, "--fasta", source, *SIZES)
    chance = random.Random(1)
    for _ in range(10):
        process = start(*arguments)
        time.sleep(chance.uniform(0.2, 0.9))
        stop(process, signal.SIGKILL)
        found = csv_files(tmp_path)
        assert all(right[name] == content for name, content in found.items())
        if (tmp_path / "processed/_SUCCESS").exists():
            assert found == right
            shutil.rmtree(tmp_path / "processed")
    done = run(*arguments, pieces=pieces)
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path) == right
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["lock"]


@pytest.mark.parametrize("workers", ["2", "3"])
def test_workers_do_not_share_what_they_sort_in(workers: str, tmp_path: Path) -> None:
    """Many parts, each smaller than a memory page."""
    source = tmp_path / "a.fasta"
    write_fasta(source, 2000, length=20)
    sizes = ("--val-size", "0", "--test-size", "0", "--num-csv-files", "40")
    runs = []
    for name, count in (("one", "1"), ("many", workers)):
        done = run(
            *("--root", tmp_path / name, "--fasta", source, *sizes, "--workers", count), pieces=700
        )
        assert done.returncode == 0, done.stderr
        runs.append(csv_files(tmp_path / name))
    assert runs[0] == runs[1]


def unpublished(root: Path, source: Path) -> Path:
    """Do everything but publish; return the folder of the unfinished work."""
    done = run(*("--root", root, "--fasta", source, *SIZES), pieces=SMALL, fault=BEFORE_PUBLISHING)
    assert done.returncode == 9, done.stderr
    return root / "raw/work"


@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_damaged_finished_files_are_recreated(
    harm: str, tmp_path: Path, source: Path, right: dict[str, bytes]
) -> None:
    victim = unpublished(tmp_path, source) / "processed/train/x001.csv"
    victim.unlink() if harm == "missing" else victim.write_bytes(b"")
    done = run("--root", tmp_path, "--fasta", source, *SIZES, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path) == right


@pytest.mark.parametrize("name", ["source.json", "lengths", "state.json", "finished.json"])
def test_damaged_unfinished_work_is_redone(
    name: str, tmp_path: Path, source: Path, right: dict[str, bytes]
) -> None:
    (unpublished(tmp_path, source) / name).write_bytes(b"")
    arguments = ("--root", tmp_path, "--fasta", source, *SIZES)
    done = run(*arguments, pieces=SMALL)
    if done.returncode:
        assert "The unfinished work has been removed" in done.stderr
        assert "Traceback" not in done.stderr
        done = run(*arguments, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path) == right


@pytest.mark.parametrize("changed", [("--seed", "7"), ("--val-size", "11"), ("source",)])
def test_unfinished_work_of_another_data_set_is_not_resumed(
    changed: tuple[str, ...], tmp_path: Path, source: Path
) -> None:
    root = tmp_path / "root"
    own = tmp_path / "own.fasta.gz"
    shutil.copy(source, own)
    unpublished(root, own)
    options = [*SIZES, *changed] if len(changed) == 2 else [*SIZES]
    if changed == ("source",):
        write_fasta(own, 6000, seed=7)
    for folder in (root, tmp_path / "fresh"):
        done = run("--root", folder, "--fasta", own, *options, pieces=SMALL)
        assert done.returncode == 0, done.stderr
    assert csv_files(root) == csv_files(tmp_path / "fresh")


def test_a_run_resumes_where_another_was_killed(
    tmp_path: Path, source: Path, right: dict[str, bytes]
) -> None:
    """A finished stage is not repeated."""
    unpublished(tmp_path, source)
    done = run("--root", tmp_path, "--fasta", source, *SIZES, pieces=SMALL)
    assert "read: done by an earlier run" in done.stdout
    assert "sort:" not in done.stdout
    assert csv_files(tmp_path) == right


def test_sigterm_ends_it_cleanly(tmp_path: Path, source: Path) -> None:
    process = start("--root", tmp_path, "--fasta", source, *SIZES)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("read:")
    output = stop(process, signal.SIGTERM)
    assert process.returncode == 143
    assert output == "stopped: finished work is kept, run again to resume\n"
    assert not csv_files(tmp_path)


def test_killed_workers_are_a_message(tmp_path: Path, source: Path) -> None:
    """As by the kernel when memory runs out."""
    process = start("--root", tmp_path, "--fasta", source, *SIZES)
    try:
        deadline = time.monotonic() + 20
        children: list[int] = []
        while not children and time.monotonic() < deadline:
            path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            children = [int(child) for child in path.read_text().split()]
        os.kill(children[0], signal.SIGKILL)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "was killed, most often because memory ran out" in output


def test_two_at_once_do_not_mix(tmp_path: Path, source: Path, right: dict[str, bytes]) -> None:
    arguments = ("--root", tmp_path, "--fasta", source, *SIZES)
    first, second = start(*arguments), start(*arguments)
    outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert any("nothing to do" in output for output in outputs)
    assert any("waiting for another preparation in " in output for output in outputs)
    assert csv_files(tmp_path) == right
