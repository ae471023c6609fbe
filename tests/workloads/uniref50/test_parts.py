"""The program's smaller parts, and whether it fits the container."""

from __future__ import annotations

import ast
import io
import itertools
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cores
import metalink
import progress as progress_module
from fasta import FastaReader
from layout import Split, Wanted, output_files, tasks
from progress import Progress, size
from spans import span
from tests.context import read_settings

PROGRAM = Path(__file__).resolve().parents[3] / "workloads" / "uniref50"
COMMON = PROGRAM.parent / "common"
FILES = [*PROGRAM.glob("*.py"), *COMMON.glob("*.py")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "300000 100000"}, 3),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000"}, 64),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "", "cpu/cpu.cfs_period_us": ""}, 64),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 64),
        ({}, 64),
    ],
)
def test_cores_are_those_of_the_containers_limit(
    files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)), raising=False)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert cores.available(tmp_path) == expected


@given(
    records=st.integers(0, 5000),
    parts=st.integers(1, 60),
    rows=st.integers(1, 700),
    sizes=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
)
def test_files_are_cut_as_numpy_cuts_and_parts_cover_them(
    records: int, parts: int, rows: int, sizes: tuple[float, float]
) -> None:
    val_size, test_size = (int(records * part) for part in sizes)
    files = output_files(records, Split(val_size, test_size, parts))
    ids = np.arange(records)
    expected = [
        (part[0], part[-1] + 1)
        for split in np.split(ids, [val_size, val_size + test_size])
        for part in np.array_split(split, parts)
        if len(part)
    ]
    assert [(f.start, f.stop) for f in files if f.stop > f.start] == expected
    found = tasks(files, rows)
    assert [file for task in found for file in task.files] == files
    cuts = [cut for task in found for cut in task.parts]
    assert all(stop - start <= rows for start, stop in cuts)
    assert cuts[0][0] == 0
    assert cuts[-1][1] == records
    assert all(a[1] == b[0] for a, b in itertools.pairwise(cuts))


def test_metalink_facts() -> None:
    text = b"""<metalink version="3.0" xmlns="http://www.metalinker.org/"><version>2026_04</version>
      <files><file name="other.gz"><size>1</size></file><file name="uniref50.fasta.gz">
      <size>123</size><verification><hash type="md5">ABC</hash></verification></file></files>
      </metalink>"""
    found = metalink.parse(text, "https://host/x/uniref50.fasta.gz")
    assert (found.release, found.size, found.md5) == ("2026_04", 123, "abc")


def test_a_log_has_a_line_every_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    out = io.StringIO()
    progress = Progress("read", 1_000_000_000, out=out)
    for second in range(1, 101):
        now = float(second)
        progress.update(second * 5_000_000, note="7 records")
    progress.finish("7 records")
    lines = out.getvalue().splitlines()
    assert lines[0] == "read: 1.0 GB"
    assert lines[1] == "read:  15% of 1.0 GB, 5.0 MB/s, 2 min 50 s left; 7 records"
    assert len(lines) == 5
    assert lines[-1] == "read: 7 records in 100.0 s"


def test_a_log_continues_while_nothing_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "LOG_INTERVAL", 0.5)
    out = io.StringIO()
    progress = Progress("read", 1000, out=out)
    with progress.kept_up(lambda: (0, 1000, "0 records")):
        time.sleep(2.6)
    lines = out.getvalue().splitlines()[1:]
    assert len(lines) >= 2
    assert lines[-1].endswith("0 records; nothing new since the last line")


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    progress = Progress("read", 100, out=out)
    now = 1.0
    progress.update(50)
    assert out.getvalue().startswith("\r[###############               ] read:  50%")


def test_figures_are_readable() -> None:
    assert [size(n) for n in (5, 1500, 2.5e9, 3e13)] == ["5 B", "1.5 kB", "2.5 GB", "30.0 TB"]
    assert [span(n) for n in (5, 65, 3700)] == ["5 s", "1 min 05 s", "1 h 01 min"]


@pytest.mark.slow
def test_an_endless_record_ends_with_a_message() -> None:
    chunks = iter([b">a\n", *[b"A" * (1 << 20)] * 70])
    with pytest.raises(Exception, match="is longer than"):
        list(FastaReader("a").rows(chunks))


def test_the_program_fits_a_config_map() -> None:
    """The API server refuses objects over 1 MiB (Kubernetes documentation, ConfigMaps)."""
    assert sum(path.stat().st_size for path in FILES) < 900_000
    assert len({path.name for path in FILES}) == len(FILES), "they are mounted side by side"
    assert not [path for path in PROGRAM.iterdir() if path.is_dir() and path.name[0] not in "._"]


def test_the_program_needs_only_python_3_10_and_numpy() -> None:
    """The image has nothing else; `sys.stdlib_module_names` lists Python's own modules."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-version", "3.10", str(PROGRAM), str(COMMON)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    own = {path.stem for path in FILES} | {"numpy", "bionemo"}
    for path in FILES:
        found = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
            )
        }
        assert found <= own | sys.stdlib_module_names, path


def test_the_settings_defaults_are_the_references() -> None:
    """Those of UniRef50PreprocessConfig; for a file as large as UniRef50, the program's too."""
    dataset = read_settings({}).dataset
    split = Wanted().split(60_000_000)
    assert dataset.sizes == {"val_size": split.val_size, "test_size": split.test_size}
    assert (split.val_size, split.test_size) == (5000, 1_000_000)
    assert (dataset.num_csv_files, dataset.seed) == (split.num_csv_files, split.seed)
