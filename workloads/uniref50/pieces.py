"""Which bytes of a download are there, for its connections, its reader and a later run."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from durable import partial, read_json, remove, write_json
from folders import sync_folder

PIECE = 32 << 20  # one range request


class Pieces:
    """The bytes received: connections add them and a reader waits for them.

    The file is cut into pieces of PIECE bytes; each is filled from its start on.
    Any unique object identifies a connection.

    Args:
        size: of the file in bytes; None while unknown.
        have: bytes of each piece that are there already.
    Attributes:
        received: bytes since, from all connections.
    """

    def __init__(self, size: int | None, have: dict[int, int]) -> None:
        self._size, self._have = size, dict(have)
        self._changed = threading.Condition()
        self._taken: set[int] = set()
        self._working: set[object] = set()
        self._only: object | None = None
        self._end: int | None = None
        self._error: BaseException | None = None
        self._stopped = False
        self.received = 0

    @property
    def size(self) -> int | None:
        """Of the file in bytes; None while unknown."""
        return self._size

    @property
    def stopped(self) -> bool:
        """Whether no more bytes are wanted."""
        return self._stopped

    def stop(self) -> None:
        """Make the connections and the reader stop."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Make the reader raise `error`, unless an earlier one is pending."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def span(self, piece: int) -> tuple[int, int]:
        """Where a piece starts and ends; an upper bound of its end while the size is unknown."""
        start = piece * PIECE
        return start, start + PIECE if self._size is None else min(start + PIECE, self._size)

    def _missing(self, piece: int) -> bool:
        start, stop = self.span(piece)
        return self._have.get(piece, 0) < stop - start

    def take(self, connection: object) -> int | None:
        """The next piece to fetch; None if none is left for this connection.

        Waits while others fetch what is missing: they may give it back.
        """
        with self._changed:
            self._working.add(connection)
            while True:
                others = self._only not in (None, connection)
                piece = None if self._stopped or self._error or others else self._free()
                if piece is not None:
                    self._taken.add(piece)
                    return piece
                if self._stopped or self._error or others or not self._taken:
                    self._working.discard(connection)
                    return None
                self._changed.wait()

    def _free(self) -> int | None:
        """The first piece that is missing and not taken."""
        piece = 0
        while self._size is None or piece * PIECE < self._size:
            if self._missing(piece):
                if piece not in self._taken:
                    return piece
                if self._size is None:  # it may be the last
                    return None
            piece += 1
        return None

    def give_back(self, piece: int) -> None:
        """End a connection's work on a piece, complete or not."""
        with self._changed:
            self._taken.discard(piece)
            self._changed.notify_all()

    def make_only(self, connection: object) -> bool:
        """Let only this connection continue, with the whole file; False if another already does."""
        with self._changed:
            self._only = self._only or connection
            self._changed.notify_all()
            return self._only is connection

    def leave(self, connection: object) -> bool:
        """Let a connection end; False if it is the last, or the only one allowed."""
        with self._changed:
            if self._only is connection or len(self._working) < 2:
                return False
            self._working.discard(connection)
            return True

    def have(self, piece: int) -> int:
        """Bytes of a piece that are there, from its start on."""
        return self._have.get(piece, 0)

    def put(self, piece: int, count: int) -> bool:
        """Record the first `count` bytes of a piece; return whether that completes it."""
        with self._changed:
            before = self._have.get(piece, 0)
            if count <= before:
                return False
            self._have[piece] = count
            self.received += count - before
            self._changed.notify_all()
            return not self._missing(piece)

    def ends(self, at: int, *, sure: bool) -> bool:
        """Record that the file ends at `at`; return whether that is certain (`sure`, or twice)."""
        with self._changed:
            sure = sure or self._end == at
            self._end = at
            if sure:
                self._size = at
                self._changed.notify_all()
            return sure

    def wait(self, at: int) -> int:
        """Bytes ready from offset `at` on, at least one; 0 at the end, or when stopped.

        Raises:
            BaseException: the error of a connection.
        """
        piece, offset = divmod(at, PIECE)
        with self._changed:
            while True:
                if self._error is not None:
                    raise self._error
                ready = self._have.get(piece, 0) - offset
                if self._stopped or at == self._size:
                    return 0
                if ready > 0:
                    return ready
                self._changed.wait()

    def all(self) -> dict[int, int]:
        """Bytes that are there, by piece."""
        with self._changed:
            return dict(self._have)

    def whole(self) -> dict[int, int]:
        """The same, of complete pieces only."""
        with self._changed:
            return {piece: count for piece, count in self._have.items() if not self._missing(piece)}


@dataclass(frozen=True)
class Known:
    """What identifies a file on a server; None or empty: unknown.

    Attributes:
        url: its address.
        size: in bytes.
        validator: identifies this version of it (ETag or Last-Modified).
        md5: in hex, from RELEASE.metalink.
    """

    url: str
    size: int | None
    validator: str
    md5: str | None

    def is_same(self, other: Known) -> bool:
        """Whether bytes of `other` are bytes of this one, as far as known."""
        if self.md5 and other.md5:
            return self.md5 == other.md5
        if self.url != other.url or self.size != other.size:
            return False
        words = {self.validator, other.validator} - {""}
        return bool(self.md5) or len(words) < 2


class Journal:
    """Records on the disk which bytes of which file are there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: Known | None = None
        self._have: dict[int, int] = {}

    def read(self) -> tuple[Known, dict[int, int]] | None:
        """The file, and bytes of each piece; None without a readable journal."""
        state = read_json(self._path) or {}
        try:
            have = {int(piece): int(count) for piece, count in state["have"].items()}
            sound = state["piece"] == PIECE and all(0 <= n <= PIECE for n in have.values())
            return (Known(**state["known"]), have) if sound else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def start(self, known: Known, have: dict[int, int]) -> None:
        """Keep the journal of this file from now on, beginning with `have`."""
        with self._lock:
            self._known, self._have = known, dict(have)

    def add(self, have: dict[int, int]) -> None:
        """Record bytes of pieces; they must be on the disk."""
        with self._lock:
            if self._known is None:
                return
            self._have.update(have)
            content = {"known": vars(self._known), "piece": PIECE, "have": self._have}
            write_json(self._path, content)

    def forget(self) -> None:
        """Remove the journal, durably."""
        with self._lock:
            self._known = None
            remove(self._path)
            remove(partial(self._path))
            if self._path.parent.is_dir():
                sync_folder(self._path.parent)
