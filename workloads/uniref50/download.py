"""A download that goes on after breaks, in several connections, read while it runs."""

from __future__ import annotations

import http.client
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable import read_json, remove, write_json
from problems import DamagedError, PreparationError, SourceError, about
from source import READ

PIECE = 32 << 20  # one range request
RECEIVE = 256 << 10
LONGEST_PAUSE = 60.0
_OK, _PARTIAL = 200, 206
# Answers that may be others a little later (RFC 9110, RFC 6585); else 4xx is final.
_LATER = {408, 425, 429}


@dataclass(frozen=True)
class Patience:
    """How long to put up with a server.

    Attributes:
        stall: seconds without a byte after which a connection is given up.
        attempts: failures in a row, without a byte in between, after which to give up.
        pause: seconds before the second attempt; doubles each time, to LONGEST_PAUSE.
    """

    stall: float = 60.0
    attempts: int = 10
    pause: float = 1.0


@dataclass(frozen=True)
class _Remote:
    """What the server says of the file: bytes (None: unknown), ranges, and its validator."""

    size: int | None
    ranges: bool
    validator: str


def _remote(response: http.client.HTTPResponse) -> _Remote:
    headers = response.headers
    etag = headers.get("ETag") or ""
    # A weak validator must not be used in If-Range (RFC 9110, section 13.1.5).
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified") or ""
    if response.status == _PARTIAL:
        total = headers.get("Content-Range", "").rpartition("/")[2]
        return _Remote(int(total) if total.isdigit() else None, total.isdigit(), validator)
    length = headers.get("Content-Length", "")
    return _Remote(int(length) if length.isdigit() else None, False, validator)


class Download:
    """Fetches `url` into `path`.

    With a server that takes ranges, several connections fetch pieces in order, and pieces
    that an earlier run has finished stay. With one that does not, one connection does it
    all, and reads past what it has after a break.

    Args:
        url: http or https.
        path: where to; `path` + ".json" keeps what is complete.
        connections: how many at once.
        patience: with the server.
    """

    def __init__(self, url: str, path: Path, connections: int, patience: Patience) -> None:
        self._url, self._path, self._patience = url, path, patience
        self._connections = connections
        self._state = path.with_name(path.name + ".json")
        self._changed = threading.Condition()
        self._have: dict[int, int] = {}  # piece: bytes from its start that are in the file
        self._next = 0
        self._complete: set[int] = set()
        self._error: BaseException | None = None
        self._stop = False
        self._remote = _Remote(None, False, "")

    @property
    def size(self) -> int | None:
        """Bytes in all; None when the server does not say. Known once blocks() has begun."""
        return self._remote.size

    def discard(self) -> None:
        """Forget what is complete."""
        remove(self._state)

    def blocks(self) -> Iterator[bytes]:
        """The file's bytes in order, as they come in.

        Raises:
            SourceError: the server has no such file.
            DamagedError: it has another one than a moment ago.
            PreparationError: the server does not answer, or not well.
        """
        self._remote = self._ask()
        with about(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                self._start(descriptor)
                at = 0
                while count := self._wait(at):
                    block = os.pread(descriptor, min(count, READ), at)
                    at += len(block)
                    yield block
            finally:
                self._stop = True
                os.close(descriptor)

    def _start(self, descriptor: int) -> None:
        """Take over what an earlier run has, and set the connections to work."""
        known = {"url": self._url, "size": self._remote.size, "validator": self._remote.validator}
        state = read_json(self._state) or {}
        length = os.fstat(descriptor).st_size
        if self._remote.ranges and {key: state.get(key) for key in known} == known:
            for piece in state.get("complete", []):
                start, stop = self._span(piece)
                if stop is not None and stop <= length:
                    self._have[piece] = stop - start
                    self._complete.add(piece)
            done = sum(self._have.values())
            if done:
                print(f"download: goes on with {done:,} bytes from an earlier run", flush=True)
        else:
            os.ftruncate(descriptor, 0)
        self._known = known
        if self._remote.ranges:
            count = self._connections
            target = self._fetch_pieces
        else:
            count, target = 1, self._fetch_whole
        for _ in range(count):
            threading.Thread(target=self._guard, args=(target, descriptor), daemon=True).start()

    def _span(self, piece: int) -> tuple[int, int | None]:
        if not self._remote.ranges or self._remote.size is None:
            return 0, self._remote.size
        start = piece * PIECE
        return start, min(start + PIECE, self._remote.size)

    def _wait(self, at: int) -> int:
        """Bytes ready from offset `at` on, at least one; 0 at the end."""
        with self._changed:
            while True:
                if self._error is not None:
                    raise self._error
                if self._remote.size is not None and at >= self._remote.size:
                    return 0
                piece = at // PIECE if self._remote.ranges else 0
                ready = self._have.get(piece, 0) - (at - piece * PIECE)
                if ready > 0:
                    return ready
                if piece in self._complete:
                    return 0
                self._changed.wait()

    def _guard(self, fetch: Any, descriptor: int) -> None:
        """A connection's thread: what goes wrong in it goes wrong in blocks()."""
        try:
            fetch(descriptor)
        except BaseException as error:
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()

    def _fetch_pieces(self, descriptor: int) -> None:
        assert self._remote.size is not None
        while not self._stop:
            with self._changed:
                while self._next in self._complete:
                    self._next += 1
                piece = self._next
                self._next += 1
            start, stop = self._span(piece)
            if start >= self._remote.size:
                return
            self._fetch(descriptor, piece, start, stop)
            os.fsync(descriptor)
            with self._changed:
                self._complete.add(piece)
                write_json(self._state, {**self._known, "complete": sorted(self._complete)})

    def _fetch_whole(self, descriptor: int) -> None:
        self._fetch(descriptor, 0, 0, self._remote.size)
        with self._changed:
            self._complete.add(0)
            self._changed.notify_all()

    def _fetch(self, descriptor: int, piece: int, start: int, stop: int | None) -> None:
        """Get bytes `start` to `stop` (None: to the end), in as many attempts as it takes."""
        failures = 0
        while not self._stop:
            before = self._have.get(piece, 0)
            try:
                self._receive(descriptor, piece, start, stop)
                return
            except (OSError, http.client.HTTPException) as error:
                failures = 1 if self._have.get(piece, 0) > before else failures + 1
                self._put_up_with(error, failures)

    def _receive(self, descriptor: int, piece: int, start: int, stop: int | None) -> None:
        have = self._have.get(piece, 0)
        headers = {}
        if self._remote.ranges and stop is not None:
            headers = {"Range": f"bytes={start + have}-{stop - 1}"}
            if self._remote.validator:
                headers["If-Range"] = self._remote.validator
        with self._open(headers) as response:
            now = _remote(response)
            if (now.size, now.validator) != (self._remote.size, self._remote.validator) or (
                headers and response.status != _PARTIAL
            ):
                raise DamagedError(
                    f"{self._url}: the file on the server changed during the download"
                )
            if not headers:
                _skip(response, have)
            while not self._stop and (data := response.read(RECEIVE)):
                _write_at(descriptor, data, start + have)
                have += len(data)
                with self._changed:
                    self._have[piece] = have
                    self._changed.notify_all()
        if stop is not None and start + have < stop and not self._stop:
            raise ConnectionError(f"the connection broke after {start + have:,} bytes")

    def _open(self, headers: dict[str, str]) -> http.client.HTTPResponse:
        # Identity: a proxy must not pack what is counted and checked byte by byte.
        request = urllib.request.Request(
            self._url, headers={"Accept-Encoding": "identity", **headers}
        )
        response: http.client.HTTPResponse = urllib.request.urlopen(
            request, timeout=self._patience.stall
        )
        return response

    def _ask(self) -> _Remote:
        """What the server says of the file."""
        failures = 0
        while True:
            try:
                with self._open({"Range": "bytes=0-0"}) as response:
                    return _remote(response)
            except (OSError, http.client.HTTPException) as error:
                failures += 1
                self._put_up_with(error, failures)

    def _put_up_with(self, error: Exception, failures: int) -> None:
        """Wait before the next attempt; raise where another one is of no use.

        Raises:
            SourceError: the server has refused for good.
            PreparationError: too many failures in a row.
            OSError: it is this machine's own fault: no space, no permission.
        """
        if isinstance(error, urllib.error.HTTPError):
            reason = f"the server answers {error.code} {error.reason}"
            wait = error.headers.get("Retry-After", "") if error.headers else ""
            if 400 <= error.code < 500 and error.code not in _LATER:
                raise SourceError(f"{self._url}: {reason}; check the address") from None
        else:
            network = isinstance(
                error,
                (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException),
            )
            if not network:
                raise error
            reason, wait = str(getattr(error, "reason", None) or error or type(error).__name__), ""
        if failures >= self._patience.attempts:
            raise PreparationError(
                f"{self._url}: gave up after {failures} attempts in a row: {reason}; "
                "what has been downloaded is kept, run again to go on"
            ) from None
        pause = min(LONGEST_PAUSE, self._patience.pause * 2 ** (failures - 1))
        if wait.isdigit():
            pause = min(LONGEST_PAUSE, max(pause, float(wait)))
        print(f"download: {reason}; attempt {failures + 1} in {pause:.0f} s", flush=True)
        time.sleep(pause)


def _skip(response: http.client.HTTPResponse, count: int) -> None:
    while count:
        data = response.read(min(count, RECEIVE))
        if not data:
            raise ConnectionError("the connection broke before what is new")
        count -= len(data)


def _write_at(descriptor: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(descriptor, view, at)
        view, at = view[done:], at + done
