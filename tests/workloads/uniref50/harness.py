"""Runs the program as the Job does, and serves files the way servers do and do not."""

from __future__ import annotations

import hashlib
import http.server
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[3] / "workloads" / "uniref50" / "prepare_uniref50.py"
SMALL = 64 << 10
# Smaller pieces and blocks, so that a small file goes through every stage in many steps; and a
# place for a fault.
ALTERED = """
import os, sys
sys.path.insert(0, sys.argv.pop(1))
piece, fault = int(sys.argv.pop(1)), sys.argv.pop(1)
import durable, fasta, gunzip, order, pieces, prepare_uniref50, segments, stages
segments.SMALL_PIECE = segments.LARGE_PIECE = pieces.PIECE = piece
fasta.BLOCK = gunzip.OUTPUT_BLOCK = gunzip.INPUT_BLOCK = max(1, piece // 8)
exec(fault)
status = prepare_uniref50.main()
sys.stdout.flush()
os._exit(status)
"""
BEFORE_PUBLISHING = "stages.publish = lambda *all: os._exit(9)"


def command(*options: Any, pieces: int = 0, fault: str = "") -> list[str]:
    """The command line of the program with `options`; `pieces`: bytes, 0 for the program's own."""
    program = (
        ["-c", ALTERED, str(PROGRAM.parent), str(pieces or 96 << 20), fault]
        if pieces or fault
        else [str(PROGRAM)]
    )
    return [sys.executable, *program, *map(str, options)]


def run(*options: Any, pieces: int = 0, fault: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        command(*options, pieces=pieces, fault=fault),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def csv_files(root: Path) -> dict[str, bytes]:
    """What stands under the final names, by path below `processed/`."""
    processed = root / "processed"
    return {
        str(path.relative_to(processed)): path.read_bytes() for path in processed.glob("*/*.csv")
    }


class Server:
    """An HTTP server with range requests, and with the faults that a test sets.

    Attributes:
        files: content by path.
        ranges: whether range requests are answered as such.
        failures: answers to give before the first good one, a status each.
        answers_left: good answers to give before 503 for ever; None for no end.
        break_after: bytes of one answer after which the connection breaks; None for never.
        breaks: how many times that may happen.
        drip: seconds between two bytes of an answer, once; 0 for none.
        etags: to give in turn, an answer each; without any, one that fits the content.
        metalink_failures: as `failures`, of RELEASE.metalink; 0 breaks off half-way.
        stall_after: the same, but the connection stays open and silent; once.
        asked: `Range` headers so far, without RELEASE.metalink's.
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
        self.url = ""

    def put(self, name: str, content: bytes) -> str:
        """Serve `content`; return its address."""
        self.files[f"/{name}"] = content
        return f"{self.url}/{name}"

    def metalink(self, name: str, content: bytes, *, md5: str | None = None) -> None:
        """Serve a RELEASE.metalink that tells of `content` under `name`."""
        md5 = md5 or hashlib.md5(content).hexdigest()
        self.files["/RELEASE.metalink"] = (
            '<metalink version="3.0" xmlns="http://www.metalinker.org/">'
            f'<version>2026_04</version><files><file name="{name}"><size>{len(content)}</size>'
            f'<verification><hash type="md5">{md5}</hash></verification></file></files></metalink>'
        ).encode()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        if handler.path == "/RELEASE.metalink" and self.metalink_failures:
            status = self.metalink_failures.pop(0)
            if status:
                handler.send_error(status)
            else:
                text = self.files["/RELEASE.metalink"]
                handler.send_response(200)
                handler.send_header("Content-Length", str(len(text)))
                handler.end_headers()
                handler.wfile.write(text[: len(text) // 2])
            return
        content = self.files.get(handler.path)
        if content is None:
            handler.send_error(404)
            return
        if handler.path != "/RELEASE.metalink":
            self.asked.append(handler.headers.get("Range", ""))
            if self.failures or self.answers_left == 0:
                handler.send_error(self.failures.pop(0) if self.failures else 503)
                return
            if self.answers_left is not None:
                self.answers_left -= 1
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", handler.headers.get("Range", ""))
        start, stop = 0, len(content)
        if asked and self.ranges and not content:
            handler.send_error(416)
            return
        if asked and self.ranges:
            start, stop = int(asked[1]), min(int(asked[2]) + 1, len(content))
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        else:
            handler.send_response(200)
        etag = hashlib.md5(content).hexdigest()
        if self.etags:
            etag = self.etags[0]
            self.etags = [*self.etags[1:], etag]
        handler.send_header("ETag", f'"{etag}"')
        handler.send_header("Content-Length", str(stop - start))
        handler.end_headers()
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
