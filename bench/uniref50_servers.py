"""Tests the preparation against servers with arbitrary behavior.

    python -m bench.uniref50_servers [--schedules 2000] [--seed 1]

A schedule says how each request is answered, in order: in one of the ways that RFC 9110 allows,
with a fault, or with another file. After that the server answers normally. Runs of the first stage
are repeated until one succeeds. The rows must be those of one file on the server, never of two; a
run may only fail in a way that allows another; and once the server answers normally, the second run
must succeed.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import http.server
import io
import itertools
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bench.uniref50_data import write_fasta
from bench.uniref50_speed import PROGRAM

sys.path.insert(0, str(PROGRAM.parent))
sys.path.insert(1, str(PROGRAM.parents[1] / "common"))

import download
import pieces
import segments
import server as server_module
from problems import PreparationError, SourceError
from remote import RemoteSource
from server import Patience
from source import LocalSource, Source

METALINK = "RELEASE.metalink"
RECORDS, PIECE, ALIGNED = 60, 4096, 1024
MOST_RUNS = 12  # then the rest of a schedule is dropped
PATIENCE = Patience(stall=0.5, attempts=12)
# The file, in the ways that RFC 9110 allows.
LAWFUL = (
    "part",
    "part-starts-earlier",
    "part-stops-earlier",
    "part-continues",
    "part-of-unknown-size",
    "part-without-validator",
    "whole",
    "whole-in-chunks",
    "whole-without-length",
    "redirect",
)
# Faults of servers, proxies and networks. A number is a status.
FAULTS = (
    *("reset", "part-breaks", "whole-breaks", "whole-in-chunks-breaks"),
    *("whole-without-length-breaks", "403", "404", "405", "416", "429", "500", "503"),
    *("page", "page-without-length", "busy", "empty", "part-of-nothing", "gap", "garbage"),
)
# Another release, with its own size and validator.
OTHER = ("other-part", "other-whole")
METALINKS = ("right", "right", "404", "503", "page", "breaks", "other")


@dataclass(frozen=True)
class Schedule:
    """How requests for the file and for RELEASE.metalink are answered, in order.

    Attributes:
        file: of LAWFUL, FAULTS, OTHER.
        packed: whether the file is gzip, or plain, where only MD5 shows damage.
        metalink: of METALINKS; None for a server without one.
        connections: of the preparation.
    """

    packed: bool
    file: tuple[str, ...]
    metalink: tuple[str, ...] | None
    connections: int

    def harmless(self) -> bool:
        """Whether one run must suffice: few enough faults, and no other file."""
        trouble = sum(how in FAULTS for how in self.file)
        other = {*OTHER, "other"}.intersection(self.file + (self.metalink or ()))
        return trouble < PATIENCE.attempts // 2 and not other


def schedules() -> st.SearchStrategy[Schedule]:
    """All schedules: only lawful answers, or also faults and other releases."""
    lawful = st.sampled_from(LAWFUL)
    any_answer = st.sampled_from((*LAWFUL, *LAWFUL, *FAULTS, *FAULTS, *OTHER))
    return st.builds(
        Schedule,
        packed=st.booleans(),
        file=st.one_of(_several(lawful, 25), _several(any_answer, 25), _several(any_answer, 25)),
        metalink=st.one_of(st.none(), *[_several(st.sampled_from(METALINKS), 4)] * 2),
        connections=st.integers(1, 4),
    )


def _several(answers: st.SearchStrategy[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Up to `most` of `answers`; by default hypothesis prefers few."""
    return st.integers(0, most).flatmap(
        lambda count: st.lists(answers, min_size=count, max_size=count).map(tuple)
    )


@dataclass(frozen=True)
class Release:
    """A file on the server, and its rows."""

    content: bytes
    rows: bytes

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content).hexdigest()}"'


class Web:
    """A server with two releases, the current and the other, that follows a schedule."""

    def __init__(self, folder: Path) -> None:
        self._releases = {
            packed: [_release(folder, number, packed=packed) for number in (1, 2)]
            for packed in (True, False)
        }
        self.current, self.other = self._releases[True]
        self.name = ""
        self.address = ""
        self.met = False
        self._file: list[str] = []
        self._metalink: list[str] | None = None
        self._lock = threading.Lock()

    def follow(self, schedule: Schedule) -> None:
        with self._lock:
            self.current, self.other = self._releases[schedule.packed]
            self.name = "uniref50.fasta" + ".gz" * schedule.packed
            self.met = False
            self._file = list(schedule.file)
            self._metalink = None if schedule.metalink is None else list(schedule.metalink)

    @property
    def url(self) -> str:
        return f"{self.address}/{self.name}"

    def plain(self) -> bool:
        """Whether the schedule has ended."""
        return not self._file and not self._metalink

    def calm(self) -> None:
        """Drop the rest of the schedule."""
        with self._lock:
            self._file = []
            if self._metalink is not None:
                self._metalink = []

    def next(self, path: str) -> str:
        with self._lock:
            if path.endswith(METALINK):
                if self._metalink is None:
                    return "404"
                return self._metalink.pop(0) if self._metalink else "right"
            how = self._file.pop(0) if self._file else "part"
            self.met = self.met or how in LAWFUL
            return how

    def metalink(self, release: Release) -> bytes:
        return (
            f'<metalink><version>2026_04</version><files><file name="{self.name}">'
            f"<size>{len(release.content)}</size><hash type='md5'>"
            f"{hashlib.md5(release.content).hexdigest()}</hash></file></files></metalink>"
        ).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request as scheduled."""

    protocol_version = "HTTP/1.1"
    web: Web
    breaks = itertools.count()

    def do_GET(self) -> None:
        self.close_connection = True
        try:
            if self.path.endswith("/again"):
                self._file("part")
            elif self.path.endswith(METALINK):
                self._metalink(self.web.next(self.path))
            else:
                self._file(self.web.next(self.path))
        except OSError:
            pass

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _small(self, status: int, body: bytes, **headers: str) -> None:
        self._head(status, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def _metalink(self, how: str) -> None:
        text = self.web.metalink(self.web.other if how == "other" else self.web.current)
        if how.isdigit():
            self._small(int(how), b"no")
        elif how == "page":
            self._small(200, b"<html>Down for maintenance</html>")
        elif how == "breaks":
            self._head(200, Content_Length=str(len(text)))
            self.wfile.write(text[: len(text) // 2])
        else:
            self._small(200, text)

    def _file(self, how: str) -> None:
        if how.isdigit():
            retry = {"Retry_After": "0"} if how in {"429", "503"} else {}
            self._small(int(how), b"<html>no</html>", **retry)
        elif how.startswith(("part", "gap", "other-part")):
            self._part(how)
        elif how.startswith(("whole", "other-whole")):
            self._whole(how)
        elif how == "redirect":
            self._small(302, b"", Location=f"{self.path}/again")
        elif how == "page":
            self._small(200, b"<!DOCTYPE html><html>Down for maintenance</html>")
        elif how == "page-without-length":
            self._head(200)
            self.wfile.write(b"\r\n<html>Down for maintenance</html>")
        elif how == "busy":
            self._small(200, b"Too many users, try later\n", ETag='"busy"')
        elif how == "empty":
            self._small(200, b"")
        elif how == "garbage":
            self.wfile.write(b"\0\1\2\3\r\n\r\n")
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _part(self, how: str) -> None:
        release = self.web.other if how == "other-part" else self.web.current
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        match = self.headers.get("If-Range", release.etag)
        if asked is None or match != release.etag:
            return self._whole("whole" if release is self.web.current else "other-whole")
        size = len(release.content)
        start, stop = int(asked[1]), min(int(asked[2]) + 1, size)
        if start >= size:
            return self._small(416, b"", Content_Range=f"bytes */{size}")
        if how == "part-starts-earlier":
            start -= start % ALIGNED
        elif how == "part-stops-earlier":
            stop = start + max(1, (stop - start) // 3)
        elif how == "part-continues":
            stop = size
        elif how == "gap":
            start = min(start + 7, stop - 1)
        total = "*" if how == "part-of-unknown-size" else str(size)
        headers = {"Content_Range": f"bytes {start}-{stop - 1}/{total}", "ETag": release.etag}
        if how == "part-without-validator":
            del headers["ETag"]
        if how == "part-of-nothing":
            del headers["Content_Range"]
        body = release.content[start:stop]
        self._head(206, Content_Length=str(len(body)), **headers)
        self.wfile.write(body[: len(body) // 2] if how == "part-breaks" else body)
        return None

    def _whole(self, how: str) -> None:
        release = self.web.other if how == "other-whole" else self.web.current
        body, breaks = release.content, how.endswith("breaks")
        # Never twice at the same place: without a length, that would be the end.
        sent = body[: len(body) * 2 // 3 - next(self.breaks)] if breaks else body
        if "in-chunks" in how:
            self._head(200, ETag=release.etag, Transfer_Encoding="chunked")
            for at in range(0, len(sent), 5000):
                block = sent[at : at + 5000]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
            self.wfile.write(b"" if breaks else b"0\r\n\r\n")
        else:
            length = {} if "without-length" in how else {"Content_Length": str(len(body))}
            self._head(200, ETag=release.etag, **length)
            self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _release(folder: Path, number: int, *, packed: bool) -> Release:
    path = folder / f"{number}.fasta{'.gz' * packed}"
    write_fasta(path, RECORDS + number, seed=number)
    work = folder / f"{path.name}-rows"
    work.mkdir()
    return Release(path.read_bytes(), _rows(LocalSource(path), work))


def _rows(source: Source, folder: Path) -> bytes:
    """The rows that the first stage produces from `source`, as in stages.py."""
    try:
        segments.read_source(source, folder)
    except SourceError as error:
        raise source.doubted(error) from None
    return b"".join(path.read_bytes() for path in sorted(folder.glob("segment-*")))


@contextlib.contextmanager
def serving() -> Iterator[Web]:
    """A server with two releases, and a preparation with short pauses between attempts."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        web = Web(Path(name))
        handler = type("Bound", (Handler,), {"web": web})
        listener = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        listener.daemon_threads = True
        listener.handle_error = lambda *about: None  # type: ignore[method-assign]
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        stack.callback(listener.shutdown)
        web.address = f"http://127.0.0.1:{listener.server_port}"
        for module, constant, value in (
            (server_module, "FIRST_PAUSE", 0.001),
            (server_module, "LONGEST_PAUSE", 0.004),
            (pieces, "PIECE", PIECE),
            (download, "LEAST", 512),
            (segments, "SMALL_PIECE", 1 << 14),
        ):
            stack.enter_context(mock.patch.object(module, constant, value))
        yield web


def runs_until_right(web: Web, schedule: Schedule) -> int:
    """Follow `schedule`, and run until a run succeeds; return the number of runs.

    Raises AssertionError if the preparation breaks its promises.
    """
    web.follow(schedule)
    root = Path(tempfile.mkdtemp(prefix="servers-"))
    plain = 0
    try:
        for run in itertools.count(1):
            plain += web.plain()
            outcome = _one_run(web.url, root, schedule.connections)
            if isinstance(outcome, bytes):
                assert outcome in (web.current.rows, web.other.rows), "not the rows of one file"
                return run
            final = isinstance(outcome, SourceError) and web.met
            assert not final, f"final: {outcome}"
            assert not schedule.harmless(), f"one run should suffice: {outcome}"
            assert plain < 2, f"failed although the server answers normally: {outcome}"
            if run > MOST_RUNS:
                web.calm()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    raise AssertionError


def _one_run(url: str, root: Path, connections: int) -> bytes | PreparationError:
    """The rows of a run, or its error."""
    work = root / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        return _rows(RemoteSource(url, root, connections, PATIENCE), work)
    except PreparationError as error:
        return error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    runs: collections.Counter[int] = collections.Counter()
    asked: collections.Counter[str] = collections.Counter()
    began = time.monotonic()
    with serving() as web:

        @seed(options.seed)
        @settings(
            max_examples=options.schedules,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(schedules())
        def follow(schedule: Schedule) -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                runs[runs_until_right(web, schedule)] += 1
            asked.update(schedule.file)

        follow()
    print(
        f"{sum(runs.values()):,} schedules (seed {options.seed}) in "
        f"{time.monotonic() - began:.0f} s: all ended with the rows of one file"
    )
    print("runs needed:", ", ".join(f"{n}: {count:,}" for n, count in sorted(runs.items())))
    print("answers:", ", ".join(f"{how} {count:,}" for how, count in sorted(asked.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
