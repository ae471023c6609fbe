"""A download survives faults of servers and networks, and ends with the right bytes."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from bench.uniref50_data import write_fasta
from tests.workloads.uniref50.harness import NAME, SIZES, SMALL, Server, csv_files, run

# They wait for processes and servers.
pytestmark = pytest.mark.slow


def manifest(root: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((root / "processed" / "_SUCCESS").read_text())
    return found


def test_release_size_and_md5_are_checked_and_recorded(
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
    assert not list((tmp_path / "raw").rglob("uniref50*")), (
        "the download is removed once it is used"
    )


def test_keep_raw_keeps_the_download(server: Server, tmp_path: Path, content: bytes) -> None:
    run("--root", tmp_path, "--url", server.put(NAME, content), "--keep-raw", *SIZES)
    assert (tmp_path / "raw/download" / NAME).read_bytes() == content


@pytest.mark.parametrize("ranges", [True, False])
def test_broken_connections_are_resumed(
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
    """The first gives up after a piece; the second resumes with the next."""
    padding = b"\0" * (70 << 20)  # gzip allows it, and it makes the file three pieces long
    url = server.put(NAME, content + padding)
    server.answers_left = 2
    options = ("--root", tmp_path, "--url", url, "--attempts", 1, "--connections", 1, *SIZES)
    first = run(*options)
    assert first.returncode == 1
    assert "run again to resume" in first.stderr
    server.answers_left = None
    server.asked.clear()
    second = run(*options)
    assert second.returncode == 0, second.stderr
    assert f"resuming with {32 << 20:,} bytes from an earlier run" in second.stdout
    assert [asked.partition("-")[0] for asked in server.asked] == [
        "bytes=0",
        f"bytes={32 << 20}",
        f"bytes={64 << 20}",
    ]
    assert csv_files(tmp_path) == right


def test_a_silent_connection_times_out(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    server.stall_after = 1000
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, "--timeout", 1)
    assert "timed out; attempt 2" in done.stdout
    assert done.returncode == 0
    assert csv_files(tmp_path) == right


def test_a_trickle_times_out(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """The socket never times out, because a byte arrives every moment."""
    server.drip = 0.05
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, "--timeout", 1)
    assert "bytes in 1 s; attempt 2" in done.stdout
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path) == right


def test_a_break_without_ranges_reads_past_what_is_there(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    server.ranges, server.break_after, server.breaks = False, len(content) // 2, 2
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert csv_files(tmp_path) == right


def test_servers_behind_one_name_may_differ_if_md5_decides(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    server.etags = ["one", "two", "three"]
    server.metalink(NAME, content)
    url = server.put(NAME, content)
    done = run("--root", tmp_path, "--url", url, *SIZES, pieces=SMALL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert csv_files(tmp_path) == right


def test_a_file_that_changes_meanwhile_is_not_mixed(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    """Without MD5, only another ETag shows it."""
    server.etags = [f"v{number}" for number in range(1000)]
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, pieces=SMALL)
    assert done.returncode == 1
    assert "changed during the download" in done.stderr
    assert not csv_files(tmp_path)


def test_a_server_that_lags_once_does_not_end_it(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """Like a mirror that has just started: failures, then an old answer, then the right ones."""
    server.etags = ["new", "old", *["new"] * 500]
    server.failures = []
    url = server.put(NAME, content)
    fault = """
import urllib.error, server
real, asked = server.Server.open, []
def open(self, headers):
    asked.append(headers)
    if len(asked) in (3, 4):
        raise ConnectionResetError("of the mirror")
    return real(self, headers)
server.Server.open = open
"""
    done = run(
        *("--root", tmp_path, "--url", url, "--connections", 1, *SIZES), pieces=SMALL, fault=fault
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert csv_files(tmp_path) == right


def test_pieces_of_one_file_are_not_taken_for_anothers_after_a_change_and_back(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """A, then a failed attempt with B, then A again: no hole may be read."""
    url = server.put(NAME, content)
    options = ("--root", tmp_path, "--url", url, "--attempts", 1, "--connections", 1, *SIZES)
    server.etags, server.answers_left = ["A"], 6
    assert run(*options, pieces=SMALL).returncode == 1
    server.etags, server.answers_left = ["B"], 1
    assert run(*options, pieces=SMALL).returncode == 1
    server.etags, server.answers_left = ["A"], None
    done = run(*options, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert "from an earlier run" not in done.stdout
    assert csv_files(tmp_path) == right


def test_a_trickle_that_completes_is_complete(
    server: Server, tmp_path: Path, right: dict[str, bytes]
) -> None:
    """A file that is complete when it is found too slow is complete."""
    small = b"".join(b">r%d\nACGT\n" % number for number in range(40))
    server.drip = 0.003  # 1.2 s in total, and the time-out is 1 s
    url = server.put("small.fasta", small)
    done = run("--root", tmp_path, "--url", url, "--timeout", 1, "--attempts", 3, *SIZES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "processed/_SUCCESS").exists()


def test_a_partial_download_of_another_file_is_not_resumed(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    write_fasta(tmp_path / NAME, 5000, seed=7)
    other = (tmp_path / NAME).read_bytes()
    longest = max(len(content), len(other)) + 1
    # gzip allows zeros at the end: the two have the same size.
    other, content = (each.ljust(longest, b"\0") for each in (other, content))
    server.answers_left = 3
    options = ("--root", tmp_path, "--url", server.put(NAME, other), "--attempts", 1, *SIZES)
    assert run(*options, pieces=SMALL).returncode == 1
    server.answers_left = None
    server.put(NAME, content)
    done = run(*options, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert "from an earlier run" not in done.stdout
    assert csv_files(tmp_path) == right


def test_a_hiccup_does_not_switch_the_check_off(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    server.metalink(NAME, content, md5="0" * 32)
    server.metalink_failures = [503, 500, 0]
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    assert done.returncode == 1
    assert "md5 is" in done.stderr


def test_an_unavailable_check_is_an_error(server: Server, tmp_path: Path, content: bytes) -> None:
    server.metalink_failures = [503] * 10
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, "--attempts", 2)
    assert done.returncode == 1
    assert "RELEASE.metalink: gave up after 2 attempts" in done.stderr


@pytest.mark.parametrize("number", [errno.EPERM, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EIO])
def test_a_network_error_is_not_taken_for_a_disk_error(
    number: int, server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """TLS errors have their own numbers, which look like those of files."""
    fault = f"""
import http.client
real, left = http.client.HTTPResponse.read1, [1]
def read1(self, count=-1):
    if left and count > 1:
        left.pop()
        raise OSError({number}, "of the network")
    return real(self, count)
http.client.HTTPResponse.read1 = read1
"""
    url = server.put(NAME, content)
    done = run("--root", tmp_path, "--url", url, *SIZES, pieces=SMALL, fault=fault)
    assert done.returncode == 0, done.stderr
    assert "of the network; attempt 2" in done.stdout
    assert csv_files(tmp_path) == right


def test_a_full_disk_is_not_taken_for_a_network_error(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    fault = """
def pwrite(*all):
    raise OSError(28, "No space left on device")
os.pwrite = pwrite
"""
    url = server.put(NAME, content)
    done = run("--root", tmp_path, "--url", url, *SIZES, pieces=SMALL, fault=fault)
    assert done.returncode == 1
    assert "no space left" in done.stderr
    assert "attempt" not in done.stdout


def test_it_gives_up_on_a_server_that_stays_down(
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


def test_a_wrong_md5_discards_the_download(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """Another run may get the right bytes, so the failure is not final."""
    server.metalink(NAME, content, md5="0" * 32)
    url = server.put(NAME, content)
    done = run("--root", tmp_path, "--url", url, *SIZES)
    assert done.returncode == 1
    assert "md5 is" in done.stderr
    assert "should be 00000000" in done.stderr
    assert not csv_files(tmp_path)
    assert not list((tmp_path / "raw").rglob("uniref50*"))
    server.metalink(NAME, content)
    assert run("--root", tmp_path, "--url", url, *SIZES).returncode == 0
    assert csv_files(tmp_path) == right
