"""First stage: from the source to rows in file order, cut into segments on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from background import ahead, quick_turns
from durable import draft, new_file, settle, write_all
from fasta import FastaReader, Rows
from gunzip import unpacked
from problems import ScratchError, about
from progress import Progress, size
from source import Checked, Facts, Source

SMALL_PIECE, LARGE_PIECE = 32 << 20, 96 << 20
PIECES = 64
PIECE_ROWS = 1 << 20  # bounds the memory for sorting a piece of short rows
_UNPACKED_AHEAD = 8  # blocks of about 1 MB each


def piece_bytes(total: int | None) -> int:
    """Size of segments and of parts, for `total` bytes of data (None: unknown).

    Small pieces fit the processor's cache. Large ones keep the reads of the last stage long:
    there are segments x parts of them.
    """
    return LARGE_PIECE if total is None else max(SMALL_PIECE, min(total // PIECES, LARGE_PIECE))


@dataclass(frozen=True)
class Found:
    """What was counted while reading the source.

    Attributes:
        cut_short: records that the reference's own rule cuts short.
        residues: letters of all sequences.
        strange: counts of those that are not amino acids.
    """

    cut_short: int
    residues: int
    strange: dict[str, int]


@dataclass(frozen=True)
class Segments:
    """What the first stage leaves.

    Attributes:
        source: the facts found while reading it.
        lengths: bytes of each row, (records,) uint32.
        first: first record of each segment and the number of records, (segments + 1,) int64.
        found: what was counted.
    """

    source: Facts
    lengths: NDArray[np.uint32]
    first: NDArray[np.int64]
    found: Found

    @property
    def records(self) -> int:
        """Number of records in the source."""
        return len(self.lengths)


def lengths_path(folder: Path) -> Path:
    """Where the first stage puts the rows' lengths, as little-endian uint32."""
    return folder / "lengths"


def segment_path(folder: Path, index: int) -> Path:
    """Where the first stage puts the rows of segment `index`."""
    return folder / f"segment-{index:05d}"


def _write_segments(folder: Path, blocks: Iterator[Rows], most: Callable[[], int]) -> list[int]:
    """Write `blocks` to segments of `most()` bytes; return the first record of each, and the end.

    A thread syncs each segment to the disk while the next is written.
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

    Reading, unpacking and converting each run in their own thread.

    Raises:
        SourceError: the source is wrong.
        PreparationError, OSError: it is unavailable, or the disk fails.
    """
    reader = FastaReader(source.name)
    checking = Checked(source)
    progress = Progress("read", source.expected.size or source.size)
    unpacking = unpacked(ahead(checking.blocks()), source.name)

    def state() -> tuple[int, int | None, str]:
        return checking.done, source.size, f"{reader.records:,} records"

    def rows(descriptor: int) -> Iterator[Rows]:
        for block in reader.rows(text):
            write_all(descriptor, block.lengths.astype("<u4", copy=False).tobytes())
            yield block

    with (
        closing(ahead(unpacking, _UNPACKED_AHEAD)) as text,
        new_file(lengths_path(folder)) as descriptor,
        progress.kept_up(state),
        quick_turns(),
    ):
        first = _write_segments(folder, rows(descriptor), lambda: piece_bytes(source.size))
    progress.finish(f"{reader.records:,} records from {size(checking.done)}")
    found = Found(reader.cut_short, reader.residues, dict(reader.strange.most_common()))
    return _load(folder, checking.facts, np.array(first, np.int64), found)


def plan() -> dict[str, int]:
    """What determines how the work is cut: with other values it cannot be resumed."""
    return {
        "small_piece": SMALL_PIECE,
        "large_piece": LARGE_PIECE,
        "pieces": PIECES,
        "piece_rows": PIECE_ROWS,
    }


def save(segments: Segments) -> dict[str, object]:
    """What `restore` needs in addition to the files, as JSON."""
    return {
        "source": segments.source.as_json(),
        "first": segments.first.tolist(),
        "found": asdict(segments.found),
    }


def restore(folder: Path, saved: dict[str, Any]) -> Segments:
    """What an earlier run's first stage left in `folder`.

    Raises:
        ScratchError: it is incomplete.
    """
    try:
        first = np.array(saved["first"], np.int64)
        counted = Found(**saved["found"])
        found = _load(folder, Facts(**saved["source"]), first, counted)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ScratchError(f"{folder}: not as an earlier run left it ({error})") from None
    if not len(found.lengths) or len(found.lengths) != found.first[-1]:
        raise ScratchError(f"{lengths_path(folder)}: shorter than when it was written")
    return found


def _load(folder: Path, facts: Facts, first: NDArray[np.int64], found: Found) -> Segments:
    with about(lengths_path(folder)):
        lengths = np.fromfile(lengths_path(folder), "<u4")
    return Segments(facts, lengths, first, found)
