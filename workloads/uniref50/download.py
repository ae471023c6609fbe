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

from pieces import Journal, Pieces, forget
from problems import DamagedError, about
from server import Patience, Server
from source import SOURCE_READ

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
        self._path, self._connections = path, connections
        self._journal = path.with_name(path.name + ".json")
        self._server = Server(url, patience)
        self._remote = _Remote(None, False, "")
        self._threads: list[threading.Thread] = []
        self._pieces: Pieces | None = None

    @property
    def size(self) -> int | None:
        """Bytes in all; None when the server does not say. Known once blocks() has begun."""
        return self._remote.size

    def discard(self) -> None:
        """Forget what is complete."""
        self._end()
        forget(self._journal)

    def blocks(self, *, checked: bool = False) -> Iterator[bytes]:
        """The file's bytes in order, as they come in.

        `checked`: their MD5 is known and will be compared. Then it does not matter if servers
        behind one name tell of the same file in different words (ETag, Last-Modified).

        Raises:
            SourceError: the server has no such file.
            DamagedError: it has another one than a moment ago.
            PreparationError: the server does not answer, or not well.
        """
        self._remote = self._ask()
        if self._remote.size == 0:
            return
        with about(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            pieces, journal = self._taken_over(descriptor, checked)
            self._pieces = pieces
            try:
                self._threads = self._started(descriptor, pieces, journal, checked)
                at = 0
                while count := pieces.wait(at):
                    block = os.pread(descriptor, min(count, SOURCE_READ), at)
                    at += len(block)
                    yield block
            finally:
                # A thread that waits for a server must not write to another file's descriptor.
                if self._end():
                    os.close(descriptor)

    def _end(self) -> bool:
        """Stop the connections; whether all have ended a moment later."""
        if self._pieces is not None:
            self._pieces.stop()
        for thread in self._threads:
            thread.join(timeout=1)
        return not any(thread.is_alive() for thread in self._threads)

    def _ask(self) -> _Remote:
        """What the server says of the file; without a first byte it is empty."""
        empty = _Remote(0, False, "")
        return self._server.answer({"Range": "bytes=0-0"}, _remote, {_NO_RANGE: empty})

    def _taken_over(self, descriptor: int, checked: bool) -> tuple[Pieces, Journal]:
        """What an earlier run has, if it is of the same file."""
        remote = self._remote
        validator = "MD5" if checked else remote.validator
        known = {"url": self._server.url, "size": remote.size, "validator": validator}
        journal = Journal(self._journal, known)
        pieces = Pieces(remote.size, whole=not remote.ranges)
        complete = journal.read() if remote.ranges else None
        if complete is None:
            # In this order: what is written down must never tell of what is not there.
            journal.forget()
            os.ftruncate(descriptor, 0)
        elif done := pieces.take_over(complete, os.fstat(descriptor).st_size):
            print(f"download: goes on with {done:,} bytes from an earlier run", flush=True)
        return pieces, journal

    def _started(
        self, descriptor: int, pieces: Pieces, journal: Journal, checked: bool
    ) -> list[threading.Thread]:
        """The connections, each in a thread and at work."""
        threads = []
        for _ in range(self._connections if self._remote.ranges else 1):
            connection = _Connection(
                self._server, self._remote, descriptor, pieces, journal, checked
            )
            threads.append(threading.Thread(target=connection.run, daemon=True))
            threads[-1].start()
        return threads


class _Connection:
    """Brings pieces from the server to the disk, one after the other."""

    def __init__(
        self,
        server: Server,
        remote: _Remote,
        descriptor: int,
        pieces: Pieces,
        journal: Journal,
        checked: bool,
    ) -> None:
        self._server, self._remote, self._checked = server, remote, checked
        self._descriptor, self._pieces, self._journal = descriptor, pieces, journal

    def run(self) -> None:
        """Fetch until nothing is left; what goes wrong here goes wrong for the reader."""
        try:
            while (piece := self._pieces.take()) is not None:
                self._fetch(piece)
                if not self._pieces.stopped:
                    self._remember(piece)
        except BaseException as error:
            self._pieces.fail(error.error if isinstance(error, _OwnFaultError) else error)

    def _remember(self, piece: int) -> None:
        """Count a piece as complete: in the journal too, once it is on the disk."""
        try:
            if self._remote.ranges:
                os.fsync(self._descriptor)
                self._journal.add(piece)
            self._pieces.complete(piece)
        except OSError as error:
            raise _OwnFaultError(error) from None

    def _fetch(self, piece: int) -> None:
        """Get a piece, in as many attempts as it takes."""
        failures = changes = 0
        while not self._pieces.stopped:
            before = self._pieces.have(piece)
            try:
                self._receive(piece)
                return
            except (OSError, http.client.HTTPException) as caught:
                error: Exception = caught
                if isinstance(error, urllib.error.HTTPError) and error.code == _NO_RANGE:
                    error = _ChangedError(_OTHER)
                if self._pieces.have(piece) - before >= LEAST:
                    failures = changes = 0
                failures += 1
                changes = changes + 1 if isinstance(error, _ChangedError) else 0
                if changes >= CHANGES:
                    raise DamagedError(
                        f"{self._server.url}: the file on the server changed during the download"
                    ) from None
                self._server.put_up_with(error, failures)

    def _receive(self, piece: int) -> None:
        """Get what is missing of a piece, from one answer."""
        start, stop = self._pieces.span(piece)
        have = self._pieces.have(piece)
        if stop is not None and start + have >= stop:
            return
        headers = self._range(start + have, stop)
        with self._server.open(headers) as response:
            if not self._is_the_same(_remote(response)) or (
                headers and response.status != _PARTIAL
            ):
                raise _ChangedError(_OTHER)
            pace = _Pace(self._server.patience.stall)
            if not headers:
                _skip(response, have, pace)
            while not self._pieces.stopped and (data := response.read1(RECEIVE)):
                _write_at(self._descriptor, data, start + have)
                have += len(data)
                self._pieces.add(piece, len(data))
                if stop is not None and start + have >= stop:
                    return
                pace.keep(len(data))
        if stop is not None and not self._pieces.stopped:
            raise ConnectionError(f"the connection broke after {start + have:,} bytes")

    def _range(self, start: int, stop: int | None) -> dict[str, str]:
        """Headers that ask for bytes `start` to `stop`; none where the server takes no ranges."""
        if not self._remote.ranges or stop is None:
            return {}
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if self._remote.validator and not self._checked:
            headers["If-Range"] = self._remote.validator
        return headers

    def _is_the_same(self, now: _Remote) -> bool:
        sizes = {now.size, self._remote.size} - {None}
        same_words = self._checked or now.validator == self._remote.validator
        return len(sizes) <= 1 and same_words


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
