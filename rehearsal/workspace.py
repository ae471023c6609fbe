"""The folder that one rehearsal works in, and what stays of it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.environment import ROOT

# Where `--keep` leaves things unless told otherwise.
KEPT = ROOT / "build" / "rehearsal"
_LOGS = {"logs", "local-aws.log"}
_MARK = "aws-resources.yaml"
# A folder as young may belong to a rehearsal that has not locked it yet.
_YOUNG_SECONDS = 10


class WorkspaceError(RuntimeError):
    """A folder is not a rehearsal's to replace; the text says which."""


@contextmanager
def workspace(build: Path = ROOT / "build") -> Iterator[Path]:
    """Yield a folder of this rehearsal's own, so that several can run at once.

    Nothing of it stays, but for the logs when the block fails: those until the next rehearsal.
    """
    build.mkdir(parents=True, exist_ok=True)
    _sweep(build)
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=build))
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    left: set[str] = set()
    try:
        yield folder
    except Exception:
        left = _LOGS
        raise
    finally:
        _clear(folder, left)
        os.close(lock)


def keep(folder: Path, kept: Path) -> None:
    """Make `folder` the kept one, in place of an earlier rehearsal's."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder, kept)


def refuse_what_is_no_rehearsals(kept: Path) -> None:
    """Raise WorkspaceError when `kept` holds what no rehearsal has left there."""
    ours = kept == KEPT or (kept / _MARK).exists()
    if kept.exists() and not ours and (not kept.is_dir() or any(kept.iterdir())):
        raise WorkspaceError(
            f"{kept} holds other things than an earlier rehearsal.\n"
            "  Give a folder that is new or empty: --folder FOLDER"
        )


def _sweep(build: Path) -> None:
    """Remove what earlier rehearsals left, killed or failed; those that run hold a lock."""
    for folder in build.glob("rehearsal-*"):
        if not folder.is_dir() or time.time() - folder.stat().st_mtime < _YOUNG_SECONDS:
            continue
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def _clear(folder: Path, left: set[str]) -> None:
    if not folder.exists():
        return
    for each in folder.iterdir():
        if each.name in left:
            continue
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
