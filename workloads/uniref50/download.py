"""A download that survives broken connections, uses several, and is read while it runs."""

from __future__ import annotations

import contextlib
import http.client
import os
import threading
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import answers
import pieces as pieces_of_file
from answers import Answer, OddAnswerError
from pieces import Journal, Known, Pieces
from problems import MismatchError, PreparationError, about
from server import Server
from source import SOURCE_READ, Facts

RECEIVE = 256 << 10
LEAST = 64 << 10  # bytes that a connection must deliver in Patience.stall seconds
PROBE = 1 << 10  # enough to see what it is
CHANGES = 10  # answers about another file, in a row, that are believed
GIVE_WAY = 3  # failures in a row of one connection after which it ends, if others work


class _ChangedError(ConnectionError):
    """An answer about another file: one of several servers behind a name may lag behind."""


class _OtherBytesError(_ChangedError):
    """Bytes that are sent again differ."""


class _OwnFaultError(Exception):
    """A local fault: no space, no permission. Holds the error."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True)
class First:
    """A first answer.

    Attributes:
        size: of the file in bytes; None when the server does not say.
        ranges: whether the server sends parts of it.
        validator: its name for this version of the file; may be empty.
        not_it: what it sends instead of such a file; empty if it may be one.
    """

    size: int | None
    ranges: bool
    validator: str
    not_it: str


class Download:
    """Fetches a server's file into `path`.

    If the server supports ranges, several connections fetch pieces in order. If one gets the file
    from its start instead, that one fetches it all. What an earlier run has fetched is kept.

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
        """What the server has, after as many attempts as it takes.

        Raises:
            PreparationError: it does not answer, or not well.
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
                self._server.put_up_with(error, failures)

    def discard(self) -> None:
        """Forget what is there."""
        self.stop()
        with self._reading:
            self._journal.forget()

    def stop(self) -> None:
        """Let the reader and the connections end."""
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
            PreparationError: the server does not answer, or not well, or has another file now.
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
        """Bytes of pieces that an earlier run fetched, if they are of the same file."""
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
            connection = _Connection(self._server, known, descriptor, pieces, self._journal)
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


class _Connection:
    """Fetches pieces from the server to the disk, one after the other."""

    def __init__(
        self, server: Server, known: Known, descriptor: int, pieces: Pieces, journal: Journal
    ) -> None:
        self._server, self._known = server, known
        self._descriptor, self._pieces, self._journal = descriptor, pieces, journal
        self._brought = 0

    def run(self) -> None:
        """Fetch until nothing is left; errors are passed on to the reader."""
        try:
            self._work()
        except BaseException as error:
            self._pieces.fail(error.error if isinstance(error, _OwnFaultError) else error)

    def _work(self) -> None:
        failures = changes = 0
        own = others = 0  # bytes when the last failures in a row began
        while (piece := self._pieces.take(self)) is not None:
            if not failures:
                own, others = self._brought, self._of_others()
            before = self._brought
            error = self._attempt(piece)
            if error is None or self._brought - before >= LEAST:
                failures = changes = 0
            if error is None:
                continue
            failures += 1
            changes = changes + 1 if isinstance(error, _ChangedError) else 0
            if changes >= CHANGES:
                raise self._changed(error)
            alone_refused = self._brought == own and self._of_others() - others >= LEAST
            if failures >= GIVE_WAY and alone_refused and self._pieces.leave(self):
                print(f"download: {error}; one connection fewer from now on", flush=True)
                return
            self._server.put_up_with(error, failures)

    def _of_others(self) -> int:
        """Bytes that other connections have fetched so far."""
        return self._pieces.brought - self._brought

    def _changed(self, error: Exception) -> PreparationError:
        if isinstance(error, _OtherBytesError):
            return MismatchError(f"{self._server.url}: {error}")
        return PreparationError(
            f"{self._server.url}: the file on the server changed during the download; "
            "run again to download the new one"
        )

    def _attempt(self, piece: int) -> Exception | None:
        """Fetch what is missing of a piece; return the error of the network or the server."""
        start, _ = self._pieces.span(piece)
        at = start + self._pieces.have(piece)
        try:
            self._receive(piece, at)
        except urllib.error.HTTPError as error:
            if error.code != answers.NO_RANGE:
                return error
            size = answers.size_of_unsatisfied(error.headers)
            if self._pieces.size is not None or size not in (None, at):
                return _ChangedError("the server reports another file")
            if not at or not self._pieces.ends(at, sure=size == at):
                return OddAnswerError("the server answers 416, without the file's size")
        except (OSError, http.client.HTTPException) as error:
            return error
        finally:
            self._pieces.give_back(piece)
        return None

    def _receive(self, piece: int, at: int) -> None:
        """Fetch bytes from offset `at` to the end of `piece`, from one answer."""
        _, stop = self._pieces.span(piece)
        if at >= stop:
            return
        headers = {"Range": f"bytes={at}-{stop - 1}"}
        if self._known.validator and not self._known.md5:
            headers["If-Range"] = self._known.validator
        with self._server.open(headers) as response:
            answer = answers.read(response)
            pace = _Pace(self._server.patience.stall)
            first = response.read1(RECEIVE)
            self._check(answer, first, at)
            if answer.partial or self._pieces.alone(self):
                self._bring(response, answer, first, stop if answer.partial else None, pace)

    def _check(self, answer: Answer, first: bytes, at: int) -> None:
        """Make sure that an answer is about this file, and usable from offset `at` on."""
        size, known = self._pieces.size, self._known
        same_size = answer.size is None or size is None or answer.size == size
        if not answer.partial and not (same_size and answer.size and known.md5):
            not_it = answers.what_else(first)
            if not_it:
                raise OddAnswerError(f"the server sends {not_it}")
        same_words = known.md5 or not answer.validator or answer.validator == known.validator
        if not same_size or not (same_words or not known.validator):
            raise _ChangedError("the server reports another file")
        if answer.start > at or (answer.stop is not None and answer.stop <= at):
            raise OddAnswerError(
                f"the server sends bytes {answer.start:,} to {answer.stop or 0:,}, "
                f"not those from {at:,} on"
            )
        if size is None and answer.size is not None:
            self._pieces.ends(answer.size, sure=True)

    def _bring(
        self,
        response: http.client.HTTPResponse,
        answer: Answer,
        first: bytes,
        until: int | None,
        pace: _Pace,
    ) -> None:
        """Store the body of an answer, up to offset `until` if there is one."""
        at, data = answer.start, first
        while data and not self._pieces.stopped:
            self._store(at, data)
            at += len(data)
            if until is not None and at >= until:
                return
            if at == self._pieces.size:
                return
            pace.keep(len(data))
            data = response.read1(RECEIVE)
        if self._pieces.stopped:
            return
        end = self._pieces.size if answer.stop is None else answer.stop
        if at < (sum(self._pieces.all().values()) if end is None else end):
            raise ConnectionError(f"the connection broke after {at:,} bytes")
        if end is None:
            # Without a length a break looks like the end: the next answer decides.
            self._pieces.ends(at, sure=answer.bounded)

    def _store(self, at: int, data: bytes) -> None:
        """Write what is new in `data`, which starts at offset `at`, to the disk.

        What is there already is compared; what would leave a gap is dropped.
        """
        size = self._pieces.size
        if size is not None and at + len(data) > size:
            raise _ChangedError("the server sends more bytes than the file has")
        view = memoryview(data)
        while view:
            piece, offset = divmod(at, pieces_of_file.PIECE)
            part = view[: pieces_of_file.PIECE - offset]
            have = self._pieces.have(piece)
            there = min(len(part), max(0, have - offset))
            if there and os.pread(self._descriptor, there, at) != part[:there]:
                raise _OtherBytesError("bytes sent again differ from the first time")
            if there < len(part) and offset + there == have:
                _write_at(self._descriptor, part[there:], at + there)
                self._brought += len(part) - there
                if self._pieces.put(piece, offset + len(part)):
                    self._remember()
            view, at = view[len(part) :], at + len(part)

    def _remember(self) -> None:
        """Record what is complete, once it is on the disk."""
        have = self._pieces.whole()
        try:
            os.fsync(self._descriptor)
            self._journal.add(have)
        except OSError as error:
            raise _OwnFaultError(error) from None


class _Pace:
    """Detects a connection that trickles, which time-outs do not."""

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


def _write_at(descriptor: int, view: memoryview, at: int) -> None:
    try:
        while view:
            done = os.pwrite(descriptor, view, at)
            view, at = view[done:], at + done
    except OSError as error:
        raise _OwnFaultError(error) from None
