"""The files are byte for byte those of the reference, which reads with pyfastx."""

from __future__ import annotations

import gzip
import random
import tempfile
from pathlib import Path

import pyfastx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fasta
from bench import uniref50_reference
from bench.uniref50_data import write_fasta
from fasta import FastaReader
from tests.workloads.uniref50.harness import SMALL, csv_files, run

NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
DESCRIPTIONS = st.text(
    st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=40
)
LETTERS = "ACDEFGHIKLMNPQRSTVWYXacdefg*-"


@st.composite
def records(draw: st.DrawFn) -> str:
    """One record: odd names and headers, any line width, some blank lines."""
    header = draw(NAMES)
    if draw(st.booleans()):
        header += draw(st.sampled_from([" ", "\t", "  ", " >"])) + draw(DESCRIPTIONS)
    sequence = draw(st.text(st.sampled_from(LETTERS), min_size=1, max_size=200))
    width = draw(st.integers(1, 80))
    lines = [sequence[at : at + width] for at in range(0, len(sequence), width)]
    if draw(st.integers(0, 9)) == 0:
        lines.insert(draw(st.integers(0, len(lines))), "")
    return "\n".join([f">{header}", *lines])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A FASTA file: line ends of one kind, sometimes without the last one."""
    text = "\n".join(draw(st.lists(records(), min_size=1, max_size=30)))
    if draw(st.booleans()):
        text += "\n"
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text.encode()


def reference_rows(content: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.fasta"
        path.write_bytes(content)
        found = pyfastx.Fasta(str(path), build_index=True, uppercase=True)
        return b"".join(
            f"{number},{record.name},{len(record.seq)},{record.seq}\n".encode()
            for number, record in enumerate(found, 1)
        )


def rows(content: bytes, chunk: int) -> bytes:
    chunks = (content[at : at + chunk] for at in range(0, len(content), chunk))
    return b"".join(block.text for block in FastaReader("a.fasta").rows(chunks))


@pytest.mark.slow
@given(content=files(), chunk=st.integers(1, 5000), block=st.integers(1, 3000))
@settings(max_examples=300, deadline=None)
def test_rows_are_those_that_pyfastx_reads(content: bytes, chunk: int, block: int) -> None:
    """However the text arrives, and wherever the reader cuts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta, "BLOCK", block)
        assert rows(content, chunk) == reference_rows(content)


@pytest.mark.parametrize(
    "content",
    [
        b">a d\nACGT\n>b\nAC\n",
        b">a\r\nACGT\r\nAC\r\n>b x\r\nAC\r\n",
        b">a > b >c\nACGT\n",
        b">a\nacgtnn\n>b\nACgT\n",
        b"\n\n>a\nAC\n\n\nGT\n\n>b\n\nAC\n",
        b">a\n" + b"ACDEFGHIKL" * 4000 + b"\n>b\nAC",
        b">a\tx y\nAC\n",
        b">a\nAC\n>b\n>c\nGT\n",
        b">a\r\nACGT\nAC\n>b\nAC\n",
    ],
    ids=[
        *("plain", "CRLF", "header-signs", "lower-case", "blank-lines", "one-line-of-40000"),
        *("tab", "no-sequence", "mixed-line-ends"),
    ],
)
def test_odd_files_that_the_reference_accepts(content: bytes) -> None:
    assert rows(content, 7) == reference_rows(content)


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 400),
    share=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    num_csv_files=st.integers(1, 60),
    packed=st.booleans(),
    workers=st.integers(1, 3),
    pieces=st.sampled_from([300, 3000, SMALL]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whole_runs_leave_the_references_files(
    seed: int,
    count: int,
    share: tuple[float, float],
    num_csv_files: int,
    packed: bool,
    workers: int,
    pieces: int,
) -> None:
    """With pieces down to a record or two: what workers share must not mix."""
    val_size, test_size = (int(count * part) for part in share)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / ("a.fasta.gz" if packed else "a.fasta")
        write_fasta(source, count, seed=seed % 1000, length=random.Random(seed).choice([None, 7]))
        done = run(
            *("--root", folder / "ours", "--fasta", source, "--workers", workers, "--seed", seed),
            *("--val-size", val_size, "--test-size", test_size, "--num-csv-files", num_csv_files),
            pieces=pieces,
        )
        assert done.returncode == 0, done.stderr
        uniref50_reference.prepare(
            source,
            folder / "reference",
            val_size=val_size,
            test_size=test_size,
            num_csv_files=num_csv_files,
            seed=seed,
        )
        assert csv_files(folder / "ours") == csv_files(folder / "reference")


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    """As bgzip and parallel compressors write them."""
    content = b"".join(b">r%d\nACGT\n" % number for number in range(100))
    (tmp_path / "a.gz").write_bytes(
        gzip.compress(content[:300]) + gzip.compress(content[300:]) + b"\0" * 512
    )
    done = run(
        *("--root", tmp_path / "ours", "--fasta", tmp_path / "a.gz"),
        *("--val-size", 10, "--test-size", 10, "--num-csv-files", 3),
    )
    assert done.returncode == 0, done.stderr
    uniref50_reference.prepare(
        tmp_path / "a.gz", tmp_path / "ref", val_size=10, test_size=10, num_csv_files=3, seed=0
    )
    assert csv_files(tmp_path / "ours") == csv_files(tmp_path / "ref")
