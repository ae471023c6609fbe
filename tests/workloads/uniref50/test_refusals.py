"""Refusals, pages instead of the file, and proxies: waited out, unless they are final."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path

import pytest

import connection
import server as server_module
from bench.uniref50_data import write_fasta
from server import Patience
from tests.workloads.uniref50.harness import (
    NAME,
    PROBE,
    SIZES,
    SMALL,
    Server,
    csv_files,
    reply,
    run,
    span,
)

pytestmark = pytest.mark.slow

Handler = http.server.BaseHTTPRequestHandler
PAGE = b"<!DOCTYPE html><html>Down for maintenance</html>"


def test_the_schedule_is_as_documented() -> None:
    patience = Patience()
    pauses = [patience.before(attempt) for attempt in range(2, patience.attempts + 1)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == 5 * 60
    assert 5.9 * 3600 < sum(pauses) < 6.1 * 3600
    assert sum(pauses[: server_module.REFUSALS - 1]) == pytest.approx(8.5 * 60, abs=10)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410])
def test_a_refusal_is_final_from_a_server_that_has_never_answered_properly(
    status: int, server: Server, tmp_path: Path, content: bytes
) -> None:
    server.failures = [status] * 1000
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES)
    assert done.returncode == 2
    assert f"the server answers {status}" in done.stderr
    assert "check the address" in done.stderr
    assert len(server.asked) == 10
    assert not csv_files(tmp_path)


@pytest.mark.parametrize("status", [403, 404, 405, 503])
def test_a_refusal_in_between_is_waited_out(
    status: int, server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """A firewall's limit on requests, a release that is being published."""

    def meet(handler: Handler, number: int, content: bytes) -> bool:
        return 4 <= number < 24 and reply(handler, status, b"no")

    server.meet = meet
    done = run("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert f"the server answers {status}" in done.stdout
    assert "attempt 2 of 80 in" in done.stdout
    assert csv_files(tmp_path) == right


def test_a_refusal_from_a_server_of_an_earlier_run_is_not_final(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    options = ("--root", tmp_path, "--url", server.put(NAME, content), "--connections", 1, *SIZES)
    server.answers_left = 3
    assert run(*options, "--attempts", 1, pieces=SMALL).returncode == 1
    server.failures = [404] * 30
    assert run(*options, "--attempts", 15, pieces=SMALL).returncode == 1
    server.failures, server.answers_left = [], None
    done = run(*options, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert "from an earlier run" in done.stdout
    assert csv_files(tmp_path) == right


@pytest.mark.parametrize("length", [-1, None])
def test_a_page_instead_of_the_file_is_waited_out(
    length: int | None, server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """At first and in between, RELEASE.metalink too; what has been downloaded is kept."""
    server.metalink(NAME, content)

    def meet(handler: Handler, number: int, content: bytes) -> bool:
        return number in (1, 2, 6, 7, 8) and reply(handler, 200, PAGE, {}, length)

    def meet_metalink(handler: Handler, number: int, content: bytes) -> bool:
        return number < 3 and reply(handler, 200, PAGE, {}, length)

    server.meet, server.meet_metalink = meet, meet_metalink
    options = ("--root", tmp_path, "--url", server.put(NAME, content), "--connections", 1, *SIZES)
    done = run(*options, pieces=SMALL)
    assert done.returncode == 0, done.stderr
    assert "the server sends an HTML page" in done.stdout
    assert "not checked" not in done.stdout
    assert csv_files(tmp_path) == right
    good = [asked for asked in server.asked if server.asked.count(asked) == 1]
    assert len(good) >= len(content) // SMALL - 2, "bytes that are there are not asked for again"


@pytest.mark.parametrize("length", [-1, None])
@pytest.mark.parametrize("there", [0, 100_000])
def test_a_page_in_the_middle_is_never_taken_for_another_file(
    there: int, length: int | None, server: Server, tmp_path: Path
) -> None:
    """From a server without ranges and MD5 that is down for longer than a mirror lags."""
    write_fasta(tmp_path / "a.fasta", 3000)
    plain = (tmp_path / "a.fasta").read_bytes()
    pages = range(3, 3 + 2 * connection.CHANGES)

    def meet(handler: Handler, number: int, body: bytes) -> bool:
        if number in pages:
            return reply(handler, 200, PAGE, {}, length)
        part = body[:there] if number == 2 else body
        return reply(handler, 200, part, {}, len(body) if length else None)

    server.meet = meet
    url = server.put("a.fasta", plain)
    done = run("--root", tmp_path / "web", "--url", url, *SIZES)
    assert done.returncode == 0, done.stderr
    assert "the server sends an HTML page" in done.stdout
    run("--root", tmp_path / "file", "--fasta", tmp_path / "a.fasta", *SIZES)
    assert csv_files(tmp_path / "web") == csv_files(tmp_path / "file")


@pytest.mark.parametrize(
    ("body", "what"),
    [(PAGE, "an HTML page"), (b"", "an empty file"), (b"Too many users", "neither gzip nor FASTA")],
)
def test_what_is_not_the_file_is_never_a_final_failure(
    body: bytes, what: str, server: Server, tmp_path: Path
) -> None:
    url = server.put(NAME, body)
    done = run("--root", tmp_path, "--url", url, *SIZES, "--attempts", 3)
    assert done.returncode == 1
    assert f"the server sends {what}" in done.stderr


def test_fewer_connections_when_some_are_refused(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    """One at a time, as on some mirrors: the others give way, and use up no attempts."""
    free = threading.Semaphore(1)

    def meet(handler: Handler, number: int, body: bytes) -> bool:
        if not free.acquire(blocking=False):
            return reply(handler, 503, b"one at a time")
        try:
            start, stop = span(handler, body) or (0, len(body))
            headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(body)}", "ETag": '"v"'}
            reply(handler, 206, b"", headers, stop - start)
            for at in range(start, stop, 1 << 14):
                handler.wfile.write(body[at : min(at + (1 << 14), stop)])
                threading.Event().wait(0.02 if stop - start > PROBE else 0)
            return True
        finally:
            free.release()

    server.meet = meet
    options = ("--root", tmp_path, "--url", server.put(NAME, content), *SIZES, "--attempts", 8)
    done = run(*options, pieces=SMALL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one connection fewer from now on" in done.stdout
    assert csv_files(tmp_path) == right


def test_a_proxy_is_used_and_named(
    server: Server, tmp_path: Path, content: bytes, right: dict[str, bytes]
) -> None:
    host = server.url.removeprefix("http://")
    environment = {"http_proxy": f"http://me:secret@{host}"}
    url = f"http://mirror.example.org/{NAME}"
    refusing = True
    server.files[url] = content
    server.meet = lambda handler, number, body: refusing and reply(handler, 407, b"who?")
    done = run("--root", tmp_path, "--url", url, *SIZES, environment=environment)
    assert done.returncode == 2
    assert f"the proxy http://{host} (http_proxy) answers 407" in done.stderr
    assert "secret" not in done.stderr + done.stdout
    refusing = False
    done = run("--root", tmp_path, "--url", url, *SIZES, environment=environment)
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path) == right


@pytest.mark.parametrize(
    ("proxy", "status", "message"),
    [
        ("http://127.0.0.1:9", 1, "the proxy http://127.0.0.1:9 (https_proxy): "),
        (
            "http://127.0.0.1:port",
            2,
            "the proxy http://127.0.0.1:port (https_proxy): invalid",
        ),
    ],
)
def test_an_invalid_proxy_is_named(proxy: str, status: int, message: str, tmp_path: Path) -> None:
    done = run(
        *("--root", tmp_path, "--url", "https://mirror.example.org/a.gz", "--attempts", 2),
        environment={"https_proxy": proxy},
    )
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_proxy_that_refuses_the_tunnel_is_named(server: Server, tmp_path: Path) -> None:
    done = run(
        *("--root", tmp_path, "--url", "https://mirror.example.org/a.gz", "--attempts", 2),
        environment={"https_proxy": server.url},
    )
    assert f"the proxy {server.url} (https_proxy) answers 407" in done.stderr
    assert "it requires a user and password" in done.stderr
