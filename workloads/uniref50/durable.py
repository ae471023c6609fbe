"""Files that are either whole and on the disk, or not there."""

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
    """Write `data` to the end; one call may take only a part of a large block."""
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
    """Give a complete draft its name, once all of it is on the disk.

    Any process may do so: fsync(2) flushes the file, not what one descriptor wrote.
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
    """A descriptor to write `path` through; it takes its name only when it is complete."""
    with draft(path) as descriptor:
        yield descriptor
    settle(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace `path` by `content` in one step."""
    with new_file(path) as descriptor:
        write_all(descriptor, (json.dumps(content, indent=2) + "\n").encode())
    sync_folder(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in `path`; None when there is none, or none that can be read."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def only_one(folder: Path, patience: float = LOCK_PATIENCE) -> Iterator[None]:
    """Let one preparation at a time work in `folder`.

    Raises:
        PreparationError: another one still holds the lock after `patience` seconds.
    """
    with _locked(folder / "lock", patience, "another preparation"):
        yield


@contextmanager
def unread(processed: Path) -> Iterator[None]:
    """Wait, without end, until no worker of a training has `processed` open; none opens it then.

    The workers hold the other side of this lock (`workloads/training/start.py`).
    """
    with _locked(processed.with_name(f"{processed.name}.lock"), math.inf, "a training"):
        yield


@contextmanager
def _locked(path: Path, patience: float, by: str) -> Iterator[None]:
    """Hold the lock `path` alone.

    Worker processes inherit the lock, so it also outlasts a killed parent for as long as
    one of its workers still writes. On Lustre it needs the mount option `flock`, and outlasts a
    node that has vanished until the server gives that client up.
    """
    said = False
    with path.open("w") as lock:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PreparationError(f"{path.parent}: {by} is running here") from None
                if not said:
                    print(f"waiting for {by} in {path.parent} to end", flush=True)
                    said = True
                time.sleep(0.1)
            except OSError as error:
                print(f"warning: cannot lock {path} ({error.strerror}); start one run at a time")
                break
            else:
                break
        yield
