"""Files that are either complete and on the disk, or absent."""

from __future__ import annotations

import fcntl
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from folders import sync_folder
from problems import PreparationError, about

LOCK_PATIENCE = 900.0  # seconds


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`; one call may write only part of a large block."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def partial(path: Path) -> Path:
    """Where `path` is until it is complete."""
    return path.with_name(path.name + ".partial")


@contextmanager
def draft(path: Path, mode: int = 0o644) -> Iterator[int]:
    """A descriptor to write `path` through; `settle` then makes it final."""
    with about(path):
        descriptor = os.open(partial(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def settle(path: Path) -> None:
    """Give a complete draft its name, once it is on the disk.

    Any process may do this: fsync(2) flushes the file, not one descriptor's writes.
    """
    with about(path):
        descriptor = os.open(partial(path), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(partial(path), path)


@contextmanager
def new_file(path: Path) -> Iterator[int]:
    """A descriptor to write `path` through; it gets its name only when complete."""
    with draft(path) as descriptor:
        yield descriptor
    settle(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace `path` with `content` atomically."""
    with new_file(path) as descriptor:
        write_all(descriptor, (json.dumps(content, indent=2) + "\n").encode())
    sync_folder(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in `path`; None if there is none, or it is unreadable."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def remove(path: Path) -> None:
    """Remove a file or a folder with its content, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def only_one(folder: Path, patience: float = LOCK_PATIENCE) -> Iterator[None]:
    """Allow one preparation at a time in `folder`.

    Raises:
        PreparationError: another one still holds the lock after `patience` seconds.
    """
    with _locked(folder / "lock", patience, "another preparation"):
        yield


@contextmanager
def unread(processed: Path) -> Iterator[None]:
    """Wait, without limit, until no training worker reads `processed`, and keep them out.

    The workers hold this lock, shared (`workloads/training/start.py`).
    """
    with _locked(processed.with_name(f"{processed.name}.lock"), math.inf, "a training"):
        yield


@contextmanager
def _locked(path: Path, patience: float, by: str) -> Iterator[None]:
    """Hold the lock `path` exclusively.

    Worker processes inherit the lock, so it outlasts a killed parent for as long as one of its
    workers still writes. On Lustre it needs the mount option `flock`, and a vanished node's lock
    lasts until the server evicts that client.
    """
    reported = False
    with path.open("w") as lock:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PreparationError(f"{path.parent}: {by} is running here") from None
                if not reported:
                    print(f"waiting for {by} in {path.parent} to end", flush=True)
                    reported = True
                time.sleep(0.1)
            except OSError as error:
                print(f"warning: cannot lock {path} ({error.strerror}); start one run at a time")
                break
            else:
                break
        yield
