"""One connection of a download: fetches pieces from the server to the disk."""

from __future__ import annotations

import http.client
import os
import time
import urllib.error

import answers
import pieces as pieces_of_file
from answers import Answer, OddAnswerError
from pieces import Journal, Known, Pieces
from problems import MismatchError, PreparationError
from server import Server

RECEIVE = 256 << 10
LEAST = 64 << 10  # bytes that a connection must deliver in Patience.stall seconds
CHANGES = 10  # answers in a row about another file after which the file has changed
GIVE_WAY = 3  # failures in a row of one connection after which it ends, if others work


class _ChangedError(ConnectionError):
    """An answer about another file: one of several servers behind a name may lag behind."""


class _OtherBytesError(_ChangedError):
    """Bytes sent a second time differ from the first."""


class _OwnFaultError(Exception):
    """A local fault: no space, no permission. Holds the error."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


class Connection:
    """Fetches pieces from the server to the disk, one after the other."""

    def __init__(
        self, server: Server, known: Known, descriptor: int, pieces: Pieces, journal: Journal
    ) -> None:
        self._server, self._known = server, known
        self._descriptor, self._pieces, self._journal = descriptor, pieces, journal
        self._received = 0

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
                own, others = self._received, self._of_others()
            before = self._received
            error = self._attempt(piece)
            if error is None or self._received - before >= LEAST:
                failures = changes = 0
            if error is None:
                continue
            failures += 1
            changes = changes + 1 if isinstance(error, _ChangedError) else 0
            if changes >= CHANGES:
                raise self._changed(error)
            only_this_fails = self._received == own and self._of_others() - others >= LEAST
            if failures >= GIVE_WAY and only_this_fails and self._pieces.leave(self):
                print(f"download: {error}; one connection fewer from now on", flush=True)
                return
            self._server.wait_or_raise(error, failures)

    def _of_others(self) -> int:
        """Bytes fetched by other connections."""
        return self._pieces.received - self._received

    def _changed(self, error: Exception) -> PreparationError:
        if isinstance(error, _OtherBytesError):
            return MismatchError(f"{self._server.url}: {error}")
        return PreparationError(
            f"{self._server.url}: the file on the server changed during the download; "
            "run again to download the new one"
        )

    def _attempt(self, piece: int) -> Exception | None:
        """Fetch the rest of a piece; return the network's or the server's error, if any."""
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
            if answer.partial or self._pieces.make_only(self):
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
            # Without a length, a broken connection looks like the end: the next answer decides.
            self._pieces.ends(at, sure=answer.bounded)

    def _store(self, at: int, data: bytes) -> None:
        """Write what is new in `data`, which starts at offset `at`, to the disk.

        Bytes that are on the disk already are compared; bytes that would leave a gap are dropped.
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
                self._received += len(part) - there
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
    """Detects a connection that only trickles, which socket timeouts do not."""

    def __init__(self, stall: float) -> None:
        self._stall, self._since, self._received = stall, time.monotonic(), 0

    def keep(self, count: int) -> None:
        """Count bytes; TimeoutError if fewer than LEAST arrived in the last `stall` seconds."""
        self._received += count
        now = time.monotonic()
        if now - self._since < self._stall:
            return
        if self._received < LEAST:
            raise TimeoutError(f"only {self._received:,} bytes in {now - self._since:.0f} s")
        self._since, self._received = now, 0


def _write_at(descriptor: int, view: memoryview, at: int) -> None:
    try:
        while view:
            done = os.pwrite(descriptor, view, at)
            view, at = view[done:], at + done
    except OSError as error:
        raise _OwnFaultError(error) from None
