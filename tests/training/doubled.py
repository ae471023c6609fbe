"""Transformer Engine's double (tests/training/doubles) for this process and for trainings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = str(Path(__file__).parent / "doubles")
_NAME = "transformer_engine"

# For a training on CPUs: the double, no check of the device, and rows filled as on a GPU.
ON_CPU = f"""
import sys
sys.path.insert(0, {FOLDER!r})
import loop, making, numpy
from batches import Unit
from tokens import PAD
def row_filled(units, device, filled=0, longest=0):
    rest = filled - sum(len(unit.tokens) for unit in units)
    starts = numpy.array([*range(0, rest, longest), rest])
    nothing, none = numpy.zeros(0, numpy.int64), numpy.zeros(256, numpy.int64)
    padding = Unit(numpy.full(rest, PAD), starts, nothing, nothing, none)
    return row_as_found(units + [padding] * (rest > 0), device)
row_as_found, loop.row, making.check = loop.row, row_filled, lambda *any: None
"""


@contextmanager
def importable() -> Iterator[Any]:
    """The double's transformer_engine.pytorch; importable in here only."""
    sys.path.insert(0, FOLDER)
    try:
        import transformer_engine.pytorch as found

        yield found
    finally:
        sys.path.remove(FOLDER)
        for name in [name for name in sys.modules if name.split(".")[0] == _NAME]:
            del sys.modules[name]
