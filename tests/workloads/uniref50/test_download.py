"""A download goes on after what servers and networks do, and ends with the right bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.uniref50_data import write_fasta
from tests.workloads.uniref50.harness import Server, csv_files, run

SIZES = ("--val-size", "5", "--test-size", "20", "--num-csv-files", "3")
NAME = "uniref50.fasta.gz"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("served") / NAME
    write_fasta(path, 5000)
    return path.read_bytes()


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("right")
    (folder / NAME).write_bytes(content)
    assert run("--root", folder, "--fasta", folder / NAME, *SIZES).returncode == 0
    return csv_files(folder)


def manifest(root: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((root / "processed" / "_SUCCESS").read_text())
    return found


def test_release_size_and_md5_are_checked_and_written_down(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    server.metalink(NAME, content)
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path) == right
    source = manifest(tmp_path)["source"]
    assert isinstance(source, dict)
    assert source["release"] == "2026_04"
    assert source["size"] == len(content)
    assert "warning" not in done.stdout
    assert not list((tmp_path / "raw").glob("uniref50*")), "the download goes when it is used"


def test_keep_raw_keeps_the_download(server: Server, tmp_path: Path, content: bytes) -> None:
    run("--root", tmp_path, "--url", server.put(NAME, content), "--keep-raw", *SIZES)
    assert (tmp_path / "raw" / NAME).read_bytes() == content


@pytest.mark.parametrize("ranges", [True, False])
def test_broken_connections_are_taken_up_again(
    ranges: bool, server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    server.ranges = ranges
    server.break_after = len(content) // 3 if ranges else None
    server.failures = [503, 429]
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the server answers 503" in done.stdout
    assert csv_files(tmp_path) == right
    if ranges:
        later = [asked for asked in server.asked if not asked.startswith("bytes=0-")]
        assert later, "what has come is not asked for again"


def test_another_run_asks_only_for_what_is_missing(
    server: Server, tmp_path: Path, right: dict[str, bytes], content: bytes
) -> None:
    """The first gives up after a piece; the second goes on with the next."""
    padding = b"\0" * (70 << 20)  # gzip allows it, and it makes the file three pieces long
    url = server.put(NAME, content + padding)
    server.answers_left = 2
    options = ("--root", tmp_path, "--url", url, "--attempts", 1, "--connections", 1, *SIZES)
    first = run(*options)
    assert first.returncode == 1
    assert "run again to go on" in first.stderr
    server.answers_left = None
    server.asked.clear()
    second = run(*options)
    assert second.returncode == 0, second.stderr
    assert f"goes on with {32 << 20:,} bytes from an earlier run" in second.stdout
    assert [asked.partition("-")[0] for asked in server.asked] == [
        "bytes=0",
        f"bytes={32 << 20}",
        f"bytes={64 << 20}",
    ]
    assert csv_files(tmp_path) == right


def test_a_silent_server_is_left_after_a_time(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    server.stall_after = 1000
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, "--timeout", 1)
    assert "timed out; attempt 2" in done.stdout
    assert done.returncode == 0
    assert csv_files(tmp_path) == right


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_refusal_is_final(status: int, server: Server, tmp_path: Path, content: bytes) -> None:
    server.failures = [status] * 10
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    assert done.returncode == 2
    assert f"the server answers {status}" in done.stderr
    assert len([asked for asked in server.asked if asked]) == 1
    assert not csv_files(tmp_path)


def test_a_server_that_stays_away_is_given_up(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    server.failures = [503] * 10
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, "--attempts", 2)
    assert done.returncode == 1
    assert "gave up after 2 attempts" in done.stderr


def test_no_server_at_all(tmp_path: Path) -> None:
    done = run("--root", tmp_path, "--url", "http://127.0.0.1:9/a.gz", "--attempts", 1)
    assert done.returncode == 1
    assert "refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_md5_throws_the_download_away(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """Another run may get the right bytes, so it is no final failure."""
    server.metalink(NAME, content, md5="0" * 32)
    url = server.put(NAME, content)
    done = run("--root", tmp_path, "--url", url, *SIZES)
    assert done.returncode == 1
    assert "md5 is" in done.stderr
    assert "should be 00000000" in done.stderr
    assert not csv_files(tmp_path)
    assert not list((tmp_path / "raw").glob("uniref50*"))
    server.metalink(NAME, content)
    assert run("--root", tmp_path, "--url", url, *SIZES).returncode == 0
    assert csv_files(tmp_path) == right


def test_a_wrong_size_is_found_before_the_download(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    server.metalink(NAME, content + b"x")
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    assert done.returncode == 1
    assert "RELEASE.metalink says" in done.stderr


def test_a_page_in_place_of_the_file(server: Server, tmp_path: Path) -> None:
    url = server.put(NAME, b"<!DOCTYPE html><html>Sign in</html>")
    done = run("--root", tmp_path, "--url", url, *SIZES)
    assert done.returncode == 2
    assert "an HTML page" in done.stderr
