"""What a checkpoint of PyTorch Lightning tells of itself, without PyTorch and without trust in it.

`torch.save` writes a ZIP archive, its directory last, with a sum for each file in it:
https://pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import pickletools
import zipfile
import zlib
from pathlib import Path

# The pickle's operations that say nothing of the value that follows.
_MEMOS = {"BINPUT", "LONG_BINPUT", "MEMOIZE", "PUT"}


def step_of(path: Path) -> int | None:
    """Return the training step of a checkpoint that is whole; None where it is not.

    Every byte is read: after a crash of its node a file may have its full length, and zeros in it.
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

    The pickle is read, not carried out.
    https://github.com/Lightning-AI/pytorch-lightning/blob/1.9.5/src/pytorch_lightning/trainer/connectors/checkpoint_connector.py
    """
    is_next = False
    for operation, value, _ in pickletools.genops(pickled):
        if is_next and operation.name not in _MEMOS:
            return value if isinstance(value, int) else None
        is_next = is_next or value == "global_step"
    return None
