"""Runs the program as the Job does, and serves files as good and bad servers do."""

from __future__ import annotations

import hashlib
import http.server
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[3] / "workloads" / "uniref50" / "prepare_uniref50.py"
NAME = "uniref50.fasta.gz"
SIZES = ("--val-size", "5", "--test-size", "20", "--num-csv-files", "3")
SMALL = 64 << 10
PROBE = 1 << 10  # bytes; the program's first request, which has no faults
# Smaller pieces and blocks, so that a small file takes many steps in every stage; a quick first
# retry; and a place for a fault.
ALTERED = """
import os, sys
folder = sys.argv.pop(1)
sys.path[:0] = [folder, os.path.join(os.path.dirname(folder), "common")]
piece, fault = int(sys.argv.pop(1)), sys.argv.pop(1)
import durable, fasta, gunzip, order, pieces, prepare_uniref50, segments, server, stages
if piece:
    segments.SMALL_PIECE = segments.LARGE_PIECE = pieces.PIECE = piece
    fasta.BLOCK = gunzip.OUTPUT_BLOCK = gunzip.INPUT_BLOCK = max(1, piece // 8)
server.FIRST_PAUSE, server.LONGEST_PAUSE = 0.02, 0.2
exec(fault)
status = prepare_uniref50.main()
sys.stdout.flush()
os._exit(status)
"""
NO_PROXIES = {
    name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
}
BEFORE_PUBLISHING = "stages.publish = lambda *all: os._exit(9)"


def command(*options: Any, pieces: int = 0, fault: str = "") -> list[str]:
    """The command line of the program with `options`; `pieces`: bytes, 0 for the program's own."""
    program = (
        ["-c", ALTERED, str(PROGRAM.parent), str(pieces), fault]
        if pieces or fault or "--url" in options
        else [str(PROGRAM)]
    )
    return [sys.executable, *program, *map(str, options)]


def run(
    *options: Any, pieces: int = 0, fault: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end; `environment`: further variables, such as proxies."""
    return subprocess.run(
        command(*options, pieces=pieces, fault=fault),
        env={**NO_PROXIES, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def csv_files(root: Path) -> dict[str, bytes]:
    """The published files, by path below `processed/`."""
    processed = root / "processed"
    return {
        str(path.relative_to(processed)): path.read_bytes() for path in processed.glob("*/*.csv")
    }


def metalink(name: str, content: bytes, md5: str | None = None) -> bytes:
    """A RELEASE.metalink that describes `content` under `name`."""
    md5 = md5 or hashlib.md5(content).hexdigest()
    return (
        '<metalink version="3.0" xmlns="http://www.metalinker.org/">'
        f'<version>2026_04</version><files><file name="{name}"><size>{len(content)}</size>'
        f'<verification><hash type="md5">{md5}</hash></verification></file></files></metalink>'
    ).encode()


def span(handler: http.server.BaseHTTPRequestHandler, content: bytes) -> tuple[int, int] | None:
    """Where the requested part of `content` starts and stops; None for all of it."""
    asked = re.fullmatch(r"bytes=(\d+)-(\d+)", handler.headers.get("Range", ""))
    return (int(asked[1]), min(int(asked[2]) + 1, len(content))) if asked else None


def reply(
    handler: http.server.BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
    length: int | None = -1,
) -> bool:
    """Answer with `body`; `length`: its Content-Length, None for none. Returns True."""
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    if length is not None:
        handler.send_header("Content-Length", str(len(body) if length < 0 else length))
    handler.end_headers()
    handler.wfile.write(body)
    return True


Meet = Callable[[http.server.BaseHTTPRequestHandler, int, bytes], bool]


class Server:
    """An HTTP server with range requests, and with the faults that a test sets.

    Attributes:
        files: content by path.
        ranges: whether range requests are answered as such.
        failures: statuses to answer with before the first good answer.
        answers_left: good answers to give before 503 forever; None for no limit.
        break_after: bytes of one answer after which the connection breaks; None for never.
        breaks: how many times that may happen.
        drip: seconds between two bytes of an answer, once; 0 for none.
        etags: to give in turn, one per answer; without any, one that fits the content.
        metalink_failures: as `failures`, for RELEASE.metalink; 0 breaks off halfway.
        stall_after: as `break_after`, but the connection stays open and silent; once.
        asked: `Range` headers so far, without RELEASE.metalink's.
        meet: answers a request for a file in its own way, and returns True; gets the handler, the
            number of the request, and the content.
        meet_metalink: the same, for RELEASE.metalink.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.failures: list[int] = []
        self.answers_left: int | None = None
        self.break_after: int | None = None
        self.breaks = 1000
        self.drip = 0.0
        self.etags: list[str] = []
        self.metalink_failures: list[int] = []
        self.stall_after: int | None = None
        self.asked: list[str] = []
        self.meet: Meet | None = None
        self.meet_metalink: Meet | None = None
        self.metalinks_asked = 0
        self.url = ""

    def put(self, name: str, content: bytes) -> str:
        """Serve `content`; return its address."""
        self.files[f"/{name}"] = content
        return f"{self.url}/{name}"

    def metalink(self, name: str, content: bytes, *, md5: str | None = None) -> None:
        """Serve a RELEASE.metalink that describes `content` under `name`."""
        self.files["/RELEASE.metalink"] = metalink(name, content, md5)

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        content = self.files.get(path)
        if path == "/RELEASE.metalink":
            self.metalinks_asked += 1
            if self._odd_metalink(handler, content or b""):
                return
        if content is None:
            handler.send_error(404)
            return
        if path != "/RELEASE.metalink":
            self.asked.append(handler.headers.get("Range", ""))
            if self.meet and self.meet(handler, len(self.asked), content):
                return
            if self.failures or self.answers_left == 0:
                handler.send_error(self.failures.pop(0) if self.failures else 503)
                return
            if self.answers_left is not None:
                self.answers_left -= 1
        self._content(handler, content)

    def _odd_metalink(self, handler: http.server.BaseHTTPRequestHandler, text: bytes) -> bool:
        if self.meet_metalink and self.meet_metalink(handler, self.metalinks_asked, text):
            return True
        if not self.metalink_failures:
            return False
        status = self.metalink_failures.pop(0)
        if status:
            handler.send_error(status)
        else:
            reply(handler, 200, text[: len(text) // 2], length=len(text))
        return True

    def _content(self, handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        asked = span(handler, content)
        if asked and self.ranges and not content:
            handler.send_error(416)
            return
        start, stop = (asked if self.ranges else None) or (0, len(content))
        etag = hashlib.md5(content).hexdigest()
        if self.etags:
            etag = self.etags[0]
            self.etags = [*self.etags[1:], etag]
        headers = {"ETag": f'"{etag}"'}
        if asked and self.ranges:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        probe = stop - start <= PROBE
        body = content[start:stop] if probe else b""
        reply(handler, 206 if asked and self.ranges else 200, body, headers, stop - start)
        if not probe:
            self._send(handler, content[start:stop])

    def _send(self, handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        if self.drip and len(body) > 1:
            pause, self.drip = self.drip, 0.0
            for at in range(len(body)):
                handler.wfile.write(body[at : at + 1])
                time.sleep(pause)
        break_after = self.break_after if self.breaks > 0 else None
        for limit, pause in ((break_after, 0.0), (self.stall_after, 5.0)):
            if limit is not None and len(body) > limit:
                self.breaks -= 1
                handler.wfile.write(body[:limit])
                handler.wfile.flush()
                self.stall_after = None
                time.sleep(pause)
                handler.connection.shutdown(2)
                return
        handler.wfile.write(body)


def start(*options: Any) -> subprocess.Popen[str]:
    """Start the program, with small pieces, and leave it running."""
    return subprocess.Popen(
        command(*options, pieces=SMALL),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def stop(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Send `number`, wait for the end, return what was printed."""
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    return output
