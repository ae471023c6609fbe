"""The folder that a rehearsal works in, and what is kept of it."""

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

# Where `--keep` puts things by default.
KEPT = ROOT / "build" / "rehearsal"
# In build/. It is swept, so it has a name that no user would choose.
WORK = ".work"
LOGS = "logs"
# The results of a training here.
TRAINED = "training"
# The page that every rehearsal writes.
PAGE = "index.html"
_MARK = "aws-resources.yaml"
# The mark first: it identifies even a half-filled folder as a rehearsal's.
_TO_KEEP = (_MARK, "charts.yaml", "kubernetes", LOGS, TRAINED, PAGE)
# A younger folder may belong to a rehearsal that has not locked it yet.
_YOUNG_SECONDS = 10
# 70 MB for the rehearsal, 275 MB for jsii's packages, which the first one unpacks.
_NEEDED_MB = 400


class WorkspaceError(RuntimeError):
    """A folder is unusable, or has files that are not a rehearsal's; the message names it."""


@contextmanager
def workspace(build: Path = ROOT / "build") -> Iterator[Path]:
    """Yield this rehearsal's own folder, so that several can run at once.

    It is removed at the end. If the block fails, its logs stay until the next rehearsal.
    Raises WorkspaceError if `build` is not writable, or its disk lacks space.
    """
    folder, lock = _begin(build)
    left: set[str] = set()
    try:
        yield folder
    except Exception as error:
        left = {LOGS}
        if (folder / LOGS).exists():
            error.add_note(f"  The logs stay until the next rehearsal: {folder / LOGS}")
        raise
    finally:
        _clear(folder, left)
        os.close(lock)


def keep(folder: Path, kept: Path, only: Collection[str] = ()) -> None:
    """Move results to `kept`, replacing an earlier rehearsal's; `only`: just these names."""
    with _as_workspace_error(f"Cannot keep the results in {kept}"):
        kept.mkdir(parents=True, exist_ok=True)
        # Its content, not the folder: it may be a mount, or have its own owner and mode.
        for each in kept.iterdir():
            if not only or each.name in only:
                _remove(each)
        for name in only or _TO_KEEP:
            if (folder / name).exists():
                shutil.move(folder / name, kept / name)


def refuse_unusable_folder(kept: Path) -> None:
    """Raise WorkspaceError if `kept` has files that are not a rehearsal's, or is not writable."""
    with _as_workspace_error(f"Cannot keep the results in {kept}"):
        ours = kept == KEPT.resolve() or (kept / _MARK).exists()
        if kept.exists() and not ours and (not kept.is_dir() or any(kept.iterdir())):
            raise WorkspaceError(
                f"{kept} has files that are not from a rehearsal.\n"
                "  Choose a new or an empty folder: --folder FOLDER"
            )
        kept.parent.mkdir(parents=True, exist_ok=True)
        # By trying, because permission bits mean nothing for /proc, or for root.
        with tempfile.TemporaryDirectory(dir=kept if kept.exists() else kept.parent):
            pass


@contextmanager
def _as_workspace_error(what: str) -> Iterator[None]:
    """Turn a file system error into one message."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"{what}: {error.strerror or error}.\n"
            "  Choose a folder that you can write to: --folder FOLDER"
        ) from None


def _begin(build: Path) -> tuple[Path, int]:
    """Create the folder and lock it; return both."""
    try:
        work = build / WORK
        work.mkdir(parents=True, exist_ok=True)
        _sweep(work)
        free = shutil.disk_usage(work).free // 2**20
        if free < _NEEDED_MB:
            raise WorkspaceError(
                f"{build} has {free} MB left on its disk; a rehearsal needs {_NEEDED_MB}.\n"
                "  Free some space there, and run it again."
            )
        folder = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=work))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise WorkspaceError(
            f"The rehearsal cannot work in {build}: {error.strerror}.\n  Make that folder writable."
        ) from None
    return folder, lock


def _sweep(work: Path) -> None:
    """Remove what killed or failed rehearsals left; running ones hold a lock."""
    for folder in work.iterdir():
        # Another rehearsal may be using or sweeping it, or it may be another user's.
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
    """Remove all but `left`; what cannot be removed, the next rehearsal sweeps."""
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
        # Another rehearsal may have removed it at the same moment.
        path.unlink(missing_ok=True)
