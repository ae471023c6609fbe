"""Real servers: however they answer, the files have the rows of one file on the server."""

from __future__ import annotations

import contextlib
import http.server
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings

from bench.uniref50_data import write_fasta
from bench.uniref50_servers import runs_until_right, schedules, serving
from bench.uniref50_web import Schedule
from tests.workloads.uniref50.harness import (
    NAME,
    SIZES,
    SMALL,
    Server,
    csv_files,
    metalink,
    reply,
    run,
    span,
)

pytestmark = pytest.mark.slow

Handler = http.server.BaseHTTPRequestHandler
UNSURE = "whole-without-length-breaks"  # looks like the end of a shorter file


def test_any_way_to_answer_ends_with_the_files_rows() -> None:
    """A few of the schedules; `python -m bench.uniref50_servers` runs thousands."""
    with serving() as web:

        @given(schedules())
        @example(Schedule(False, ("whole-without-length", UNSURE, UNSURE), None, 1))
        @example(Schedule(False, ("part-of-unknown-size", "416"), None, 1))
        @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
        def follow(schedule: Schedule) -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                runs_until_right(web, schedule)

        follow()


@pytest.mark.parametrize("runs", [1, 2])
def test_bytes_sent_again_are_compared(runs: int, server: Server, tmp_path: Path) -> None:
    """Another release of the same size, which only the bytes reveal; later in a run or in the
    next one: two releases are never mixed."""
    old, new = b"", b""
    for number in range(3000):
        old += b">old%07d\nACGT\n" % number
        new += b">new%07d\nTGCA\n" % number
    server.meet = lambda handler, number, body: reply(
        handler, 200, old[:20_000] if number == 2 else new, {}, len(new)
    )
    url = server.put("a.fasta", new)
    options = ("--root", tmp_path / "web", "--url", url, *SIZES)
    if runs == 2:
        assert run(*options, "--attempts", 1).returncode == 1
    done = run(*options)
    assert done.returncode == 1
    assert "bytes sent again differ from the first time" in done.stderr
    assert not csv_files(tmp_path / "web")
    assert run(*options).returncode == 0
    (tmp_path / "a.fasta").write_bytes(new)
    run("--root", tmp_path / "file", "--fasta", tmp_path / "a.fasta", *SIZES)
    assert csv_files(tmp_path / "web") == csv_files(tmp_path / "file")


def test_a_metalink_that_is_newer_than_its_file_is_waited_for(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    server.metalink(NAME, content + b"x")
    options = ("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    done = run(*options, "--attempts", 3)
    assert done.returncode == 1
    assert "but RELEASE.metalink says" in done.stderr
    server.metalink(NAME, content)
    server.meet_metalink = lambda handler, number, text: (
        number < 8 and reply(handler, 200, metalink(NAME, content + b"x"))
    )
    done = run(*options)
    assert done.returncode == 0, done.stderr
    assert "a new release is being published; attempt 2 of 80" in done.stdout
    assert csv_files(tmp_path) == right


def test_an_md5_that_is_published_after_its_file_is_used(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """With the same size, which can happen; hours of download are not discarded for it."""
    server.metalink(NAME, content)
    server.meet_metalink = lambda handler, number, text: (
        number < 2 and reply(handler, 200, metalink(NAME, content, "0" * 32))
    )
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path) == right


def test_a_part_that_starts_earlier_is_put_where_it_belongs(server: Server, tmp_path: Path) -> None:
    """A cache with its own blocks; without MD5 nothing else would notice."""
    write_fasta(tmp_path / "a.fasta", 3000)
    plain = (tmp_path / "a.fasta").read_bytes()

    def meet(handler: Handler, number: int, content: bytes) -> bool:
        start, stop = span(handler, content) or (0, 0)
        if number == 2:  # breaks off
            headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}", "ETag": '"v"'}
            return reply(handler, 206, content[start : start + 50_001], headers, stop - start)
        start -= start % 4096
        headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}", "ETag": '"v"'}
        return reply(handler, 206, content[start:stop], headers)

    server.meet = meet
    url = server.put("a.fasta", plain)
    done = run("--root", tmp_path / "web", "--url", url, *SIZES, "--connections", 1)
    assert done.returncode == 0, done.stderr
    assert "the connection broke" in done.stdout
    run("--root", tmp_path / "file", "--fasta", tmp_path / "a.fasta", *SIZES)
    assert csv_files(tmp_path / "web") == csv_files(tmp_path / "file")


def test_the_whole_file_in_answer_to_a_range_is_read_as_one_stream(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """A cache that hides ranges from the server behind it; one of 4 connections continues."""
    server.meet = lambda handler, number, body: (
        len(span(handler, body) or ()) == 2
        and (number > 3 and reply(handler, 200, body, {"ETag": '"v"'}))
    )
    server.etags = ["v"]
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path) == right
    assert len(server.asked) <= 7, "one connection fetches all of it, at once"


def test_a_file_of_unknown_length_is_complete_by_its_metalink(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """Without a length, a break looks like the end."""
    server.metalink(NAME, content)

    server.meet = lambda handler, number, body: reply(
        handler, 200, body[: len(body) // 2] if number in (2, 3) else body, {}, None
    )
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert "the connection broke after" in done.stdout
    assert csv_files(tmp_path) == right


def test_bytes_of_an_unfinished_piece_are_kept_too(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    server.break_after, server.breaks = 100_000, 1
    server.meet = lambda handler, number, body: number == 3 and reply(handler, 503, b"")
    options = ("--root", tmp_path, "--url", server.put(NAME, content), "--connections", 1, *SIZES)
    assert run(*options, "--attempts", 2).returncode == 1
    done = run(*options)
    assert "resuming with 100,000 bytes from an earlier run" in done.stdout
    assert server.asked[-1].startswith("bytes=100000-")
    assert csv_files(tmp_path) == right


def test_a_download_from_one_mirror_is_resumed_from_another(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """The MD5 shows that it is the same file."""
    server.metalink(NAME, content)
    url = server.put(NAME, content)
    options = ("--root", tmp_path, "--connections", 1, *SIZES)
    server.answers_left = 3
    assert run(*options, "--url", url, "--attempts", 1, pieces=SMALL).returncode == 1
    server.answers_left = None
    done = run(*options, "--url", url + "?mirror=2", pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert "from an earlier run" in done.stdout
    assert csv_files(tmp_path) == right


def test_a_query_is_not_part_of_the_files_name(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    server.metalink(NAME, content, md5="0" * 32)
    url = server.put(NAME, content) + "?X-Amz-Signature=a%2Fb&path=/x/y.gz"
    done = run("--root", tmp_path, "--url", url, *SIZES, "--keep-raw")
    assert done.returncode == 1
    assert "md5 is" in done.stderr


@pytest.mark.parametrize(("has_md5", "status"), [(True, 2), (False, 1)])
def test_wrong_content_is_final_if_its_md5_is_right(
    has_md5: bool, status: int, server: Server, tmp_path: Path
) -> None:
    """Without one, it may have been damaged on the way."""
    text = b"".join(b">r%d\nACGT\n" % number for number in range(3000)) + b">x\nAC\xe9\n"
    if has_md5:
        server.metalink("a.fasta", text)
    done = run("--root", tmp_path, "--url", server.put("a.fasta", text), *SIZES, pieces=SMALL)
    assert done.returncode == status
    assert "record 3,001 has a byte in its sequence that is not a letter" in done.stderr
