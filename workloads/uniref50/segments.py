"""First stage: from the source to rows in file order, cut into segments on the disk."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apart import apart
from background import ahead
from durable import draft, new_file, read_json, settle, write_all, write_json
from fasta import FastaReader, Rows
from gunzip import unpacked
from order import segment_path
from problems import ScratchError, about
from progress import Progress, size
from source import Facts, Source, checked

SMALL_PIECE, LARGE_PIECE = 32 << 20, 96 << 20
PIECES = 64
PIECE_ROWS = 1 << 20  # bounds what sorting a piece of short rows takes
_COUNTERS = struct.Struct("=QQ")


def piece_bytes(total: int | None) -> int:
    """Size of segments and of parts, for `total` bytes of data (None: unknown).

    Small pieces stay in the processor's cache. Large ones keep the reads of the last stage
    long: there are segments x parts of them.
    """
    return LARGE_PIECE if total is None else max(SMALL_PIECE, min(total // PIECES, LARGE_PIECE))


@dataclass(frozen=True)
class Segments:
    """What the first stage leaves.

    Attributes:
        source: the facts found while reading it.
        lengths: bytes of each row, (records,) uint32.
        first: first record of each segment and the number of records, (segments + 1,) int64.
        cut_short: records that the reference's own rule cuts short.
    """

    source: Facts
    lengths: NDArray[np.uint32]
    first: NDArray[np.int64]
    cut_short: int

    @property
    def records(self) -> int:
        """Number of records in the source."""
        return len(self.lengths)


def lengths_path(folder: Path) -> Path:
    """Where the first stage puts the rows' lengths, as little-endian uint32."""
    return folder / "lengths"


def _facts_path(folder: Path) -> Path:
    return folder / "source.json"


class _Counters:
    """Bytes read and bytes in all, shared with the process that reads."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def set(self, done: int, total: int) -> None:
        _COUNTERS.pack_into(self._memory, 0, done, total)

    def get(self) -> tuple[int, int]:
        done, total = _COUNTERS.unpack_from(self._memory, 0)
        return done, total


def _write_segments(folder: Path, blocks: Iterator[Rows], most: Callable[[], int]) -> list[int]:
    """Write `blocks` to segments of `most()` bytes; return the first record of each, and the end.

    Segments go to the disk in a thread, while the next is written.
    """
    first = [0]
    waiting: list[Future[None]] = []
    block = next(blocks, None)
    with ThreadPoolExecutor(1) as disk:
        while block is not None:
            path = segment_path(folder, len(first) - 1)
            written, count = 0, 0
            with draft(path) as descriptor:
                while block is not None and written < most() and count < PIECE_ROWS:
                    write_all(descriptor, block.text)
                    written, count = written + len(block.text), count + len(block.lengths)
                    block = next(blocks, None)
            waiting.append(disk.submit(settle, path))
            first.append(first[-1] + count)
        for future in waiting:
            future.result()
    return first


def read_source(source: Source, folder: Path) -> Segments:
    """Read `source` to its end, and leave its rows as segments in `folder`.

    Reading, checking and unpacking have a process of their own; this one makes the rows.

    Raises:
        SourceError: the source is not what it should be.
        PreparationError, OSError: it cannot be had, or the disk fails.
    """
    counters = _Counters()
    reader = FastaReader(source.name)
    progress = Progress("read", source.expected.size or source.size)

    def blocks() -> Iterator[bytes]:
        raw = ahead(
            checked(
                source.blocks(),
                source.expected,
                lambda done: counters.set(done, source.size or 0),
                lambda facts: write_json(_facts_path(folder), facts.as_json()),
            )
        )
        return unpacked(raw, source.name)

    def state() -> tuple[int, int | None, str]:
        done, total = counters.get()
        return done, total, f"{reader.records:,} records"

    def rows(descriptor: int) -> Iterator[Rows]:
        for block in reader.rows(unpacking):
            write_all(descriptor, block.lengths.astype("<u4", copy=False).tobytes())
            yield block

    unpacking = apart(blocks)
    with new_file(lengths_path(folder)) as descriptor, progress.kept_up(state):
        first = _write_segments(
            folder, rows(descriptor), lambda: piece_bytes(counters.get()[1] or None)
        )
    done, _ = counters.get()
    progress.finish(f"{reader.records:,} records from {size(done)}")
    return _load(folder, np.array(first, np.int64), reader.cut_short)


def plan() -> dict[str, int]:
    """What decides how the work is cut: other values cannot go on with it."""
    return {
        "small_piece": SMALL_PIECE,
        "large_piece": LARGE_PIECE,
        "pieces": PIECES,
        "piece_rows": PIECE_ROWS,
    }


def save(segments: Segments) -> dict[str, object]:
    """What `restore` needs beside the files, for a JSON file."""
    return {"first": segments.first.tolist(), "cut_short": segments.cut_short}


def restore(folder: Path, saved: dict[str, object]) -> Segments:
    """What an earlier run's first stage left in `folder`.

    Raises:
        ScratchError: it is not whole.
    """
    try:
        found = _load(folder, np.array(saved["first"], np.int64), int(str(saved["cut_short"])))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ScratchError(f"{folder}: not as an earlier run left it ({error})") from None
    if not len(found.lengths) or len(found.lengths) != found.first[-1]:
        raise ScratchError(f"{lengths_path(folder)}: shorter than when it was written")
    return found


def _load(folder: Path, first: NDArray[np.int64], cut_short: int) -> Segments:
    facts = Facts(**(read_json(_facts_path(folder)) or {}))
    with about(lengths_path(folder)):
        lengths = np.fromfile(lengths_path(folder), "<u4")
    return Segments(facts, lengths, first, cut_short)
