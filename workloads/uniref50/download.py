"""A download that goes on after breaks, in several connections, read while it runs."""

from __future__ import annotations

import http.client
import os
import threading
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable import partial, read_json, remove, sync_folder, write_json
from problems import DamagedError, about
from server import Patience, Server
from source import READ

PIECE = 32 << 20  # one range request
RECEIVE = 256 << 10
LEAST = 64 << 10  # bytes that a connection must bring in Patience.stall seconds
CHANGES = 3  # answers about another file, in a row, that are taken at their word
_PARTIAL, _NO_RANGE = 206, 416
_OTHER = "the server tells of another file"


class _ChangedError(ConnectionError):
    """An answer about another file: one of several servers behind a name may lag behind."""


class _OwnFaultError(Exception):
    """It is this machine's own fault: no space, no permission. Holds the error."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


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
        self._url, self._path, self._server = url, path, Server(url, patience)
        self._connections = connections
        self._state = path.with_name(path.name + ".json")
        self._changed = threading.Condition()
        self._have: dict[int, int] = {}  # piece: bytes from its start that are in the file
        self._next = 0
        self._complete: set[int] = set()
        self._error: BaseException | None = None
        self._stop = False
        self._threads: list[threading.Thread] = []
        self._checked = False
        self._remote = _Remote(None, False, "")

    @property
    def size(self) -> int | None:
        """Bytes in all; None when the server does not say. Known once blocks() has begun."""
        return self._remote.size

    def discard(self) -> None:
        """Forget what is complete."""
        remove(self._state)
        remove(partial(self._state))

    def blocks(self, *, checked: bool = False) -> Iterator[bytes]:
        """The file's bytes in order, as they come in.

        `checked`: their MD5 is known and will be compared. Then it does not matter if servers
        behind one name tell of the same file in different words (ETag, Last-Modified).

        Raises:
            SourceError: the server has no such file.
            DamagedError: it has another one than a moment ago.
            PreparationError: the server does not answer, or not well.
        """
        self._checked = checked
        self._remote = self._ask()
        if self._remote.size == 0:
            return
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
                # A thread that waits for a server must not write to another file's descriptor.
                if not any(thread.is_alive() for thread in self._joined()):
                    os.close(descriptor)

    def _joined(self) -> list[threading.Thread]:
        """The connections' threads, after a moment in which to end."""
        for thread in self._threads:
            thread.join(timeout=1)
        return self._threads

    def _start(self, descriptor: int) -> None:
        """Take over what an earlier run has, and set the connections to work."""
        known = {"url": self._url, "size": self._remote.size, "validator": self._remote.validator}
        if self._checked:
            known["validator"] = "MD5"
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
            # In this order: what is written down must never tell of what is not there.
            self.discard()
            sync_folder(self._path.parent)
            os.ftruncate(descriptor, 0)
        self._known = known
        if self._remote.ranges:
            count = self._connections
            target = self._fetch_pieces
        else:
            count, target = 1, self._fetch_whole
        self._threads = [
            threading.Thread(target=self._guard, args=(target, descriptor), daemon=True)
            for _ in range(count)
        ]
        for thread in self._threads:
            thread.start()

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
                own = error.error if isinstance(error, _OwnFaultError) else error
                self._error = self._error or own
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
            if not self._stop:
                self._remember(descriptor, piece)

    def _remember(self, descriptor: int, piece: int) -> None:
        """Write down that a piece is complete, once it is on the disk."""
        try:
            os.fsync(descriptor)
            with self._changed:
                self._complete.add(piece)
                write_json(self._state, {**self._known, "complete": sorted(self._complete)})
        except OSError as error:
            raise _OwnFaultError(error) from None

    def _fetch_whole(self, descriptor: int) -> None:
        self._fetch(descriptor, 0, 0, self._remote.size)
        with self._changed:
            self._complete.add(0)
            self._changed.notify_all()

    def _fetch(self, descriptor: int, piece: int, start: int, stop: int | None) -> None:
        """Get bytes `start` to `stop` (None: to the end), in as many attempts as it takes."""
        failures = changes = 0
        while not self._stop:
            before = self._have.get(piece, 0)
            try:
                self._receive(descriptor, piece, start, stop)
                return
            except (OSError, http.client.HTTPException) as caught:
                error: Exception = caught
                if isinstance(error, urllib.error.HTTPError) and error.code == _NO_RANGE:
                    error = _ChangedError(_OTHER)
                if self._have.get(piece, 0) - before >= LEAST:
                    failures = changes = 0
                failures += 1
                changes = changes + 1 if isinstance(error, _ChangedError) else 0
                if changes >= CHANGES:
                    raise DamagedError(
                        f"{self._url}: the file on the server changed during the download"
                    ) from None
                self._server.put_up_with(error, failures)

    def _receive(self, descriptor: int, piece: int, start: int, stop: int | None) -> None:
        have = self._have.get(piece, 0)
        if stop is not None and start + have >= stop:
            return
        headers = {}
        if self._remote.ranges and stop is not None:
            headers = {"Range": f"bytes={start + have}-{stop - 1}"}
            if self._remote.validator and not self._checked:
                headers["If-Range"] = self._remote.validator
        with self._server.open(headers) as response:
            if not self._is_the_same(_remote(response)) or (
                headers and response.status != _PARTIAL
            ):
                raise _ChangedError(_OTHER)
            pace = _Pace(self._server.patience.stall)
            if not headers:
                _skip(response, have, pace)
            while not self._stop and (data := response.read1(RECEIVE)):
                _write_at(descriptor, data, start + have)
                have += len(data)
                with self._changed:
                    self._have[piece] = have
                    self._changed.notify_all()
                if stop is not None and start + have >= stop:
                    return
                pace.keep(len(data))
        if stop is not None and not self._stop:
            raise ConnectionError(f"the connection broke after {start + have:,} bytes")

    def _is_the_same(self, now: _Remote) -> bool:
        sizes = {now.size, self._remote.size} - {None}
        same_words = self._checked or now.validator == self._remote.validator
        return len(sizes) <= 1 and same_words

    def _ask(self) -> _Remote:
        """What the server says of the file; without a first byte it is empty."""
        empty = _Remote(0, False, "")
        return self._server.answer({"Range": "bytes=0-0"}, _remote, {_NO_RANGE: empty})


class _Pace:
    """Tells a connection that trickles from one that works: time-outs see no trickle."""

    def __init__(self, stall: float) -> None:
        self._stall, self._since, self._brought = stall, time.monotonic(), 0

    def keep(self, count: int) -> None:
        """Count bytes; TimeoutError when fewer than LEAST came in the last `stall` seconds."""
        self._brought += count
        now = time.monotonic()
        if now - self._since < self._stall:
            return
        if self._brought < LEAST:
            raise TimeoutError(f"only {self._brought:,} bytes in {now - self._since:.0f} s")
        self._since, self._brought = now, 0


def _skip(response: http.client.HTTPResponse, count: int, pace: _Pace) -> None:
    while count:
        data = response.read1(min(count, RECEIVE))
        if not data:
            raise ConnectionError("the connection broke before what is new")
        count -= len(data)
        pace.keep(len(data))


def _write_at(descriptor: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    try:
        while view:
            done = os.pwrite(descriptor, view, at)
            view, at = view[done:], at + done
    except OSError as error:
        raise _OwnFaultError(error) from None
