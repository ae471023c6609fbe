"""The folder that one rehearsal works in, and what stays of it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rehearsal.machine.environment import ROOT

# Where `--keep` leaves things unless told otherwise.
KEPT = ROOT / "build" / "rehearsal"
# Below build/: whatever is in there is swept, so nobody would choose it for something of theirs.
WORK = ".work"
LOGS = "logs"
# What a training here leaves.
TRAINED = "training"
# The page that every rehearsal leaves.
PAGE = "index.html"
_MARK = "aws-resources.yaml"
# The mark first: a folder that is only half filled is known as a rehearsal's all the same.
_TO_KEEP = (_MARK, "charts.yaml", "kubernetes", LOGS, TRAINED, PAGE)
# A folder as young may belong to a rehearsal that has not locked it yet.
_YOUNG_SECONDS = 10
# 70 MB for the rehearsal, 275 for jsii's packages, which the first one unpacks.
_NEEDED_MB = 400


class WorkspaceError(RuntimeError):
    """A folder cannot be used, or is not a rehearsal's to replace; the text says which."""


@contextmanager
def workspace(build: Path = ROOT / "build") -> Iterator[Path]:
    """Yield a folder of this rehearsal's own, so that several can run at once.

    Nothing of it stays, but for the logs when the block fails: those until the next rehearsal.
    Raises WorkspaceError when `build` cannot be written to, or has no room.
    """
    folder, lock = _begin(build)
    left: set[str] = set()
    try:
        yield folder
    except Exception as error:
        left = {LOGS}
        if (folder / LOGS).exists():
            error.add_note(f"  Its logs stay until the next rehearsal: {folder / LOGS}")
        raise
    finally:
        _clear(folder, left)
        os.close(lock)


def keep(folder: Path, kept: Path, only: Collection[str] = ()) -> None:
    """Move what is to be read to `kept`, in place of an earlier rehearsal's; `only`: some names."""
    with _as_workspace_error(f"Nothing can be kept in {kept}"):
        kept.mkdir(parents=True, exist_ok=True)
        # Its content and not itself: it may be a mount, or have an owner and a mode of its own.
        for each in kept.iterdir():
            if not only or each.name in only:
                _remove(each)
        for name in only or _TO_KEEP:
            if (folder / name).exists():
                shutil.move(folder / name, kept / name)


def refuse_what_cannot_be_kept_in(kept: Path) -> None:
    """Raise WorkspaceError when `kept` holds other things, or could not be written to."""
    with _as_workspace_error(f"Nothing can be kept in {kept}"):
        ours = kept == KEPT.resolve() or (kept / _MARK).exists()
        if kept.exists() and not ours and (not kept.is_dir() or any(kept.iterdir())):
            raise WorkspaceError(
                f"{kept} holds other things than an earlier rehearsal.\n"
                "  Give a folder that is new or empty: --folder FOLDER"
            )
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Tried and not asked about: permissions alone do not tell it of /proc, nor to root.
        with tempfile.TemporaryDirectory(dir=kept if kept.exists() else kept.parent):
            pass


@contextmanager
def _as_workspace_error(what: str) -> Iterator[None]:
    """Make one message of an error of the file system."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"{what}: {error.strerror or error}.\n"
            "  Give a folder that you may write to: --folder FOLDER"
        ) from None


def _begin(build: Path) -> tuple[Path, int]:
    """Make the folder and lock it; return both."""
    try:
        work = build / WORK
        work.mkdir(parents=True, exist_ok=True)
        _sweep(work)
        free = shutil.disk_usage(work).free // 2**20
        if free < _NEEDED_MB:
            raise WorkspaceError(
                f"{build} has {free} MB left on its disk; a rehearsal needs {_NEEDED_MB}.\n"
                "  Make room there, and run it again."
            )
        folder = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=work))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise WorkspaceError(
            f"The rehearsal cannot work in {build}: {error.strerror}.\n"
            "  Make that a folder that you may write to."
        ) from None
    return folder, lock


def _sweep(work: Path) -> None:
    """Remove what earlier rehearsals left, killed or failed; those that run hold a lock."""
    for folder in work.iterdir():
        # Another rehearsal may work there, sweep it as well, or be another user's.
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime < _YOUNG_SECONDS:
                continue
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _clear(folder: Path, left: set[str]) -> None:
    """Remove what can be; the next rehearsal sweeps the rest."""
    with suppress(OSError):
        for each in folder.iterdir():
            if each.name not in left:
                _remove(each, ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def _remove(path: Path, ignore_errors: bool = False) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors)
    else:
        # Another rehearsal may have ended at the same moment.
        path.unlink(missing_ok=True)
