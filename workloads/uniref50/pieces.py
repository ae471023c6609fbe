"""Which bytes of a download are there, for its connections, its reader and a later run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from durable import partial, read_json, remove, sync_folder, write_json

PIECE = 32 << 20  # one range request


class Pieces:
    """Bytes that have come, as connections bring them and a reader waits for them.

    Args:
        size: of the file in bytes; None when nobody knows.
        whole: the file is one piece, because the server sends it from the start or not at all.
    """

    def __init__(self, size: int | None, *, whole: bool) -> None:
        self.size, self._whole = size, whole
        self._changed = threading.Condition()
        self._have: dict[int, int] = {}  # piece: bytes from its start that are in the file
        self._complete: set[int] = set()
        self._next = 0
        self._error: BaseException | None = None
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether nobody wants more bytes."""
        return self._stopped

    def stop(self) -> None:
        """Let connections end."""
        self._stopped = True

    def fail(self, error: BaseException) -> None:
        """Let the reader raise `error`, unless there is another one already."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def span(self, piece: int) -> tuple[int, int | None]:
        """Where a piece starts and stops; None for an end that is unknown."""
        if self._whole or self.size is None:
            return 0, self.size
        start = piece * PIECE
        return start, min(start + PIECE, self.size)

    def take_over(self, complete: list[int], length: int) -> int:
        """Count pieces as there that a file of `length` bytes can hold; return their bytes."""
        for piece in complete:
            start, stop = self.span(piece)
            if stop is not None and stop <= length:
                self._have[piece] = stop - start
                self._complete.add(piece)
        return sum(self._have.values())

    def take(self) -> int | None:
        """The next piece to fetch; None when there is none, or nobody wants it."""
        with self._changed:
            while self._next in self._complete:
                self._next += 1
            piece = self._next
            self._next += 1
        start, _ = self.span(piece)
        beyond = piece > 0 if self._whole or self.size is None else start >= self.size
        return None if self._stopped or beyond else piece

    def have(self, piece: int) -> int:
        """Bytes of a piece that are there, from its start on."""
        return self._have.get(piece, 0)

    def add(self, piece: int, count: int) -> None:
        """`count` more bytes of a piece are there."""
        with self._changed:
            self._have[piece] = self.have(piece) + count
            self._changed.notify_all()

    def complete(self, piece: int) -> None:
        """All of a piece is there."""
        with self._changed:
            self._complete.add(piece)
            self._changed.notify_all()

    def wait(self, at: int) -> int:
        """Bytes ready from offset `at` on, at least one; 0 at the end.

        Raises:
            BaseException: what a connection has failed with.
        """
        with self._changed:
            while True:
                if self._error is not None:
                    raise self._error
                if self.size is not None and at >= self.size:
                    return 0
                piece = 0 if self._whole or self.size is None else at // PIECE
                ready = self.have(piece) - (at - piece * PIECE)
                if ready > 0:
                    return ready
                if piece in self._complete:
                    return 0
                self._changed.wait()


class Journal:
    """Keeps on the disk which pieces of which file are complete.

    Args:
        path: of the journal.
        known: what tells the file from another one; JSON.
    """

    def __init__(self, path: Path, known: dict[str, Any]) -> None:
        self._path, self._known = path, known
        self._lock = threading.Lock()
        self._complete: set[int] = set()

    def read(self) -> list[int] | None:
        """Pieces that an earlier run has completed; None if it was of another file, or none."""
        state = read_json(self._path) or {}
        if {key: state.get(key) for key in self._known} != self._known:
            return None
        self._complete.update(state.get("complete", []))
        return sorted(self._complete)

    def add(self, piece: int) -> None:
        """Write down that a piece is complete; its bytes must be on the disk."""
        with self._lock:
            self._complete.add(piece)
            write_json(self._path, {**self._known, "complete": sorted(self._complete)})

    def forget(self) -> None:
        """Make sure that it tells of nothing, also after a crash."""
        forget(self._path)
        sync_folder(self._path.parent)


def forget(path: Path) -> None:
    """Remove a journal."""
    remove(path)
    remove(partial(path))
