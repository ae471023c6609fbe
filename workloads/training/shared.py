"""How workers communicate: small files in a folder of the file system that all of them mount.

A record is replaced atomically, so a reader finds the old one or the new one. Clocks are not
compared, and a stalled file system makes no worker look silent: a reader counts how often in a row
it has found the same record.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

Record = dict[str, Any]


def say(text: str) -> None:
    """Write one line to the worker's log."""
    print(f"start: {text}", flush=True)


def write_record(path: Path, record: Record) -> None:
    """Replace `path` with `record` atomically."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.partial")
    draft.write_text(json.dumps(record), encoding="utf-8")
    os.replace(draft, path)


def read_record(path: Path) -> Record:
    """Return the record in `path`; an empty one if none can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def lock(path: Path, *, exclusive: bool, waiting_for: str, pause: float = 1.0) -> TextIO:
    """Take a lock, for as long as the returned file stays open; wait without limit.

    On Lustre this needs the mount option `flock`, and a vanished node's lock lasts until the
    server evicts that client, some minutes later.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    held = path.open("a", encoding="utf-8")
    how, reported = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH, False
    while True:
        try:
            fcntl.flock(held, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if not reported:
                say(f"waiting for {waiting_for} ({path})")
                reported = True
            time.sleep(pause)
        else:
            return held


class Beat:
    """Keeps writing a worker's own record, so that the others know that it is alive.

    In a thread, because the main one may read a whole checkpoint, which takes a while.
    """

    def __init__(self, path: Path, record: Record, seconds: float) -> None:
        self._path, self._record, self._seconds = path, record, seconds
        self._count = 0
        self._lock = threading.Lock()
        self.tell()
        threading.Thread(target=self._keep_writing, daemon=True).start()

    def tell(self, **changes: Any) -> None:
        """Write the record with `changes`, at once."""
        with self._lock:
            self._record.update(changes)
            self._count += 1
            write_record(self._path, {**self._record, "beat": self._count})

    def _keep_writing(self) -> None:
        while True:
            time.sleep(self._seconds)
            try:
                self.tell()
            except OSError as error:
                say(f"cannot write {self._path}: {error}")


class Member:
    """One worker as another one sees it: its record, and whether it is alive.

    `patience`: after so many looks in a row at an unchanged record it counts as gone.
    """

    def __init__(self, path: Path, patience: int, read: Callable[[Path], Record] = read_record):
        self._path, self._patience, self._read = path, patience, read
        self.record: Record = read(path)
        self._seen_to_change = False
        self._unchanged = 0

    def look(self) -> None:
        """Read its record again."""
        found = self._read(self._path)
        if found and found != self.record:
            self.record, self._seen_to_change, self._unchanged = found, True, 0
        else:
            self._unchanged += 1

    @property
    def lives(self) -> bool:
        """Whether it writes; a record from before the first look may be of an earlier run."""
        return self._seen_to_change and not self.silent

    @property
    def silent(self) -> bool:
        """Whether it has had time to write, and has not."""
        return self._unchanged > self._patience

    @property
    def incarnation(self) -> str:
        """Which start of the worker's program it is; empty while it is not alive."""
        return str(self.record.get("incarnation", "")) if self.lives else ""
