"""Errors, each as one message that a user can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HINTS = {
    errno.ENOSPC: "no space left; free some or enlarge the file system, then run again: "
    "finished work is kept and the run resumes from there",
    errno.EDQUOT: "the quota is used up; raise it, then run again: finished work is kept",
    errno.EFBIG: "the file size limit (ulimit -f) is too low for this file",
    errno.EACCES: "no permission; run as a user who may read and write there",
    errno.EPERM: "not permitted; run as a user who may read and write there",
    errno.EROFS: "the file system is mounted read-only",
    errno.ENOENT: "no such file or folder",
    errno.EEXIST: "a file with this name already exists",
    errno.EISDIR: "is a folder, not a file",
    errno.ENOTDIR: "part of the path is a file, not a folder",
}


class PreparationError(Exception):
    """Something that the user must know or change; its text is the whole message."""


class SourceError(PreparationError):
    """The input is wrong; work based on it is worthless."""


class DamagedError(SourceError):
    """The input was damaged on the way; downloading it again may fix it."""


class MismatchError(DamagedError):
    """The bytes are complete, but not those that were announced."""


class ScratchError(PreparationError):
    """Unfinished work is not as an earlier run left it; redoing it may help."""


def explain(error: OSError) -> str:
    """One line for `error`: its path, and what to do."""
    text = _HINTS.get(error.errno or 0, error.strerror or str(error))
    return f"{error.filename}: {text}" if error.filename else text


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Add `path` to every OSError from within: read and write calls omit it."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
