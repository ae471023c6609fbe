"""A download that survives broken connections, uses several, and is read while it runs."""

from __future__ import annotations

import contextlib
import http.client
import os
import threading
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import answers
import pieces as pieces_of_file
from connection import Connection
from pieces import Journal, Known, Pieces
from problems import about
from server import Server
from source import SOURCE_READ, Facts

PROBE = 1 << 10  # enough to see what it is


@dataclass(frozen=True)
class First:
    """The first answer to a request.

    Attributes:
        size: of the file in bytes; None when the server does not say.
        ranges: whether the server supports range requests.
        validator: identifies this version of the file (ETag or Last-Modified); may be empty.
        not_it: what it sends instead, if neither gzip nor FASTA; else empty.
    """

    size: int | None
    ranges: bool
    validator: str
    not_it: str


class Download:
    """Fetches a server's file into `path`.

    If the server supports ranges, several connections fetch pieces in order. If it sends
    the whole file instead, one connection fetches all of it. What an earlier run fetched is kept.

    Args:
        server: has the file.
        path: the target; `path` + ".json" records what is there.
        connections: how many at once.
    """

    def __init__(self, server: Server, path: Path, connections: int) -> None:
        self._server, self._path, self._connections = server, path, connections
        self._journal = Journal(path.with_name(path.name + ".json"))
        self._reading = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._pieces: Pieces | None = None

    @property
    def size(self) -> int | None:
        """Bytes in total; None while unknown."""
        return self._pieces.size if self._pieces is not None else None

    def earlier(self) -> Known | None:
        """The file that an earlier run began with."""
        found = self._journal.read()
        return found[0] if found else None

    def ask(self) -> First:
        """What the server has; retries as often as its patience allows.

        Raises:
            PreparationError: it does not answer, or not properly.
        """
        failures = 0
        while True:
            try:
                with self._server.open({"Range": f"bytes=0-{PROBE - 1}"}) as response:
                    return _first(response)
            except (OSError, http.client.HTTPException) as error:
                status = error.code if isinstance(error, urllib.error.HTTPError) else 0
                if status == answers.NO_RANGE:  # an empty file, or no ranges at all
                    return self._server.answer({}, _first)
                failures += 1
                self._server.wait_or_raise(error, failures)

    def discard(self) -> None:
        """Stop, and forget what has been downloaded."""
        self.stop()
        with self._reading:
            self._journal.forget()

    def stop(self) -> None:
        """Make the reader and the connections stop."""
        if self._pieces is not None:
            self._pieces.stop()

    def blocks(self, first: First, expected: Facts) -> Iterator[bytes]:
        """The file's bytes in order, as they arrive.

        Args:
            first: the server's first answer.
            expected: if an MD5 is known, servers behind one name may describe the same file
                differently (ETag, Last-Modified).

        Raises:
            MismatchError: bytes sent again differ.
            PreparationError: the server does not answer, or not properly, or has another file now.
        """
        size = expected.size if first.size is None else first.size
        known = Known(self._server.url, size, first.validator, expected.md5)
        with self._reading, about(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            pieces = Pieces(size, self._taken_over(descriptor, known))
            self._pieces = pieces
            self._start(descriptor, known, pieces, self._connections if first.ranges else 1)
            try:
                at = 0
                while count := pieces.wait(at):
                    block = os.pread(descriptor, min(count, SOURCE_READ), at)
                    at += len(block)
                    yield block
            finally:
                self._end(descriptor, pieces)

    def _taken_over(self, descriptor: int, known: Known) -> dict[int, int]:
        """Bytes of each piece that an earlier run fetched, if of the same file."""
        found = self._journal.read()
        if found is None or not known.is_same(found[0]):
            # In this order: the journal must never list what is not there.
            self._journal.forget()
            os.ftruncate(descriptor, 0)
            have = {}
        else:
            length = os.fstat(descriptor).st_size
            piece = pieces_of_file.PIECE
            have = {
                number: max(0, min(count, length - number * piece))
                for number, count in found[1].items()
            }
            if done := sum(have.values()):
                print(f"download: resuming with {done:,} bytes from an earlier run", flush=True)
        self._journal.start(known, have)
        return have

    def _start(self, descriptor: int, known: Known, pieces: Pieces, count: int) -> None:
        """Start the connections, each in a thread."""
        self._threads = []
        for _ in range(count):
            connection = Connection(self._server, known, descriptor, pieces, self._journal)
            thread = threading.Thread(target=connection.run, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _end(self, descriptor: int, pieces: Pieces) -> None:
        """Stop the connections; record what they have fetched of incomplete pieces."""
        pieces.stop()
        for thread in self._threads:
            thread.join(timeout=1)
        have = pieces.all()
        with contextlib.suppress(OSError):  # the download has ended anyway
            os.fsync(descriptor)
            self._journal.add(have)
        # A thread that waits for a server must not write to another file's descriptor.
        if not any(thread.is_alive() for thread in self._threads):
            os.close(descriptor)


def _first(response: http.client.HTTPResponse) -> First:
    answer = answers.read(response)
    start = response.read1(PROBE) if answer.start == 0 else b">"
    return First(answer.size, answer.partial, answer.validator, answers.what_else(start))
