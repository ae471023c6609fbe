"""Bad input and bad options: one message each, and no files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.workloads.uniref50.harness import csv_files, run

# Each starts the program.
pytestmark = pytest.mark.slow

SIZES = ("--val-size", "10", "--test-size", "100", "--num-csv-files", "5", "--workers", "2")
GOOD = b"".join(b">r%d\nACGT\n" % number for number in range(200))
PACKED = gzip.compress(GOOD)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no FASTA record in it (the file is empty)"),
        (b"\n \n\n", "no FASTA record in it\n"),
        (b"<html><body>404</body></html>", "an HTML page"),
        (b"ACGT\n>a\nACGT\n", "not FASTA, it starts with 'ACGT'"),
        (PACKED[:-20], "the gzip data ends too early (truncated)"),
        (PACKED[:100] + b"\xff" * 20 + PACKED[120:], "corrupt gzip data"),
        (PACKED[:-8] + b"\0" * 8, "corrupt gzip data"),
        (GOOD[:600], "records are fewer than --val-size 10 and --test-size 100 together"),
        (b">a\nAC\xe9GT\n" + GOOD, "record 1 has a byte in its sequence that is not a letter"),
        (b">a\nAC\tGT\n" + GOOD, "record 1 has white space inside its sequence"),
    ],
    ids=[
        *("empty", "blank", "html", "text", "truncated", "corrupt", "wrong-crc", "too-few"),
        *("no-letter", "tab-inside"),
    ],
)
def test_bad_input_gets_one_message(tmp_path: Path, content: bytes, message: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    done = run("--root", tmp_path / "root", "--fasta", source, *SIZES)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not csv_files(tmp_path / "root")
    assert not (tmp_path / "root/processed/_SUCCESS").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--val-size", "-1"], "--val-size: '-1' is not allowed: give a whole number from 0"),
        (["--num-csv-files", "0"], "--num-csv-files: '0' is not allowed"),
        (["--seed", "x"], "--seed: 'x' is not allowed"),
        (["--url", "ftp://a/b"], "--url: 'ftp://a/b' is not allowed: give an http, https or file"),
        (["--url", "http://a/b", "--fasta", "c"], "not allowed with argument"),
        (["--fasta", "/no/such/file"], "/no/such/file: no such file"),
        (["--fasta", "/tmp"], "/tmp: is a folder"),
        (["--url", "http://127.0.0.1:port/a.gz"], "a port is a number from 1 to 65535"),
        (["--url", "http:///a.gz"], "is not allowed: give an http, https or file"),
        (["--url", "http://host/a b.gz"], "is not allowed: give an http, https or file"),
        (["--url", "http://host:99999/a.gz"], "a port is a number from 1 to 65535"),
        (["--url", "http://host:0/a.gz"], "a port is a number from 1 to 65535"),
        (["--url", "http://[::1/a.gz"], "is not allowed: give an http, https or file"),
        (["--url", "http://host/folder/"], "it names no file"),
        (["--url", "http://host"], "it names no file"),
        (["--url", "http://me:secret@host/a.gz"], "a user and password are not allowed in it"),
        (["--connections", "0"], "--connections: '0' is not allowed"),
    ],
)
def test_bad_options_get_one_message(tmp_path: Path, options: list[str], message: str) -> None:
    done = run("--root", tmp_path, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_a_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("a file")
    source = tmp_path / "source"
    source.write_bytes(GOOD)
    done = run("--root", tmp_path / "root", "--fasta", source)
    assert done.returncode == 1
    assert "part of the path is a file" in done.stderr
