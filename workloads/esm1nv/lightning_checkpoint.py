"""Reads the step from a PyTorch Lightning checkpoint, without PyTorch and without trusting it.

`torch.save` writes a ZIP archive, its directory last, with a checksum for each file:
https://pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import pickletools
import zipfile
import zlib
from pathlib import Path

# Operations of the pickle that do not consume a value.
_MEMOS = {"BINPUT", "LONG_BINPUT", "MEMOIZE", "PUT"}


def step_of(path: Path) -> int | None:
    """Return the training step of a complete checkpoint; None if it is not complete.

    Every byte is read: after a crash of its node a file may have its full length, but hold zeros.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            step = _global_step(archive.read(pickled))
            return None if archive.testzip() else step
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError):
        return None


def _global_step(pickled: bytes) -> int | None:
    """Return the number after the first key `global_step`, which is the checkpoint's own.

    The pickle is parsed, not executed.
    https://github.com/Lightning-AI/pytorch-lightning/blob/1.9.5/src/pytorch_lightning/trainer/connectors/checkpoint_connector.py
    """
    is_next = False
    for operation, value, _ in pickletools.genops(pickled):
        if is_next and operation.name not in _MEMOS:
            return value if isinstance(value, int) else None
        is_next = is_next or value == "global_step"
    return None
