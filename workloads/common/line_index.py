"""An index of the sequences in a data set's CSV file, in a file next to it.

Needs only numpy, so the writer of a CSV file can write its index in the same pass.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# A sequence's first byte in the CSV file, and its number of letters. After the records, one more
# row: the CSV file's size and 0.
ROW = np.dtype([("offset", "<u8"), ("length", "<u4")])
_NEW_LINE, _COMMA = ord("\n"), ord(",")
_BLOCK = 16 << 20


def index_path(csv: Path) -> Path:
    """The path of the index of `csv`."""
    return csv.with_name(csv.name + ".index")


class LineIndex:
    """Builds the index of a CSV file from its bytes as they are written."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.void]] = []
        self._size = 0
        self._header = True

    def add(self, lines: bytes | memoryview) -> None:
        """Index the next complete `lines` of the file; the very first is the header."""
        text = np.frombuffer(lines, np.uint8)
        ends = np.flatnonzero(text == _NEW_LINE)
        commas = np.flatnonzero(text == _COMMA)
        # The sequence is a line's last field.
        starts = commas[np.searchsorted(commas, ends) - 1] + 1
        rows = np.empty(len(ends), ROW)
        rows["offset"], rows["length"] = starts + self._size, ends - starts
        self._rows.append(rows[1:] if self._header and len(rows) else rows)
        self._header = self._header and not len(rows)
        self._size += len(text)

    def content(self) -> bytes:
        """The content of the index file."""
        end = np.array([(self._size, 0)], ROW)
        found = io.BytesIO()
        np.save(found, np.concatenate([*self._rows, end]))
        return found.getvalue()

    def write(self, csv: Path) -> None:
        """Write the index next to `csv`; it gets its name only when complete."""
        path = index_path(csv)
        draft = path.with_name(f"{path.name}.{os.getpid()}.partial")
        with draft.open("wb") as file:
            file.write(self.content())
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)


def build_index(csv: Path) -> None:
    """Write the missing index of a CSV file, reading it once."""
    index, rest = LineIndex(), b""
    with csv.open("rb") as file:
        while block := file.read(_BLOCK):
            block = rest + block
            cut = block.rfind(b"\n") + 1
            index.add(memoryview(block)[:cut])
            rest = block[cut:]
    index.write(csv)


def read_index(csv: Path) -> NDArray[np.void] | None:
    """The rows of `csv`'s index, memory-mapped; None if missing or of another file."""
    try:
        rows = np.load(index_path(csv), mmap_mode="r")
    except (FileNotFoundError, ValueError, EOFError):
        return None
    whole = rows.dtype == ROW and len(rows) > 0 and rows[-1]["offset"] == csv.stat().st_size
    return rows if whole else None
