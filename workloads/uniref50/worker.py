"""What one worker process does in each of the two passes of order.py."""

from __future__ import annotations

import hashlib
import itertools
import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from durable import draft, write_all
from layout import DRAFT_MODE, HEADER, Task
from line_index import LineIndex, index_path
from problems import ScratchError, about
from segments import segment_path

RUN_READ = 8 << 20
ROWS_AT_ONCE = 8192  # about 2.5 MB of rows: joined in the cache, written in one call


@dataclass(frozen=True)
class Finished:
    """One complete output file: path below `processed/`, rows, bytes, SHA-256 in hex."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Distribution:
    """What the first stage left, and where the parts are.

    Attributes:
        folder: holds the segments, the runs, the unfinished output.
        order: record number by position, (records,) uint32.
        lengths: bytes of each row by record number, (records,) uint32.
        first: first record number of each segment and the number of records,
            (segments + 1,) int64.
        cuts: first position of each part and the number of records, (parts + 1,) int64.
    """

    folder: Path
    order: NDArray[np.uint32]
    lengths: NDArray[np.uint32]
    first: NDArray[np.int64]
    cuts: NDArray[np.int64]

    def segment(self, index: int) -> Path:
        """The rows of a range of records, in file order."""
        return segment_path(self.folder, index)

    def run(self, index: int) -> Path:
        """The same rows by part, in file order within a part."""
        return self.folder / f"run-{index:05d}"

    def output(self, path: str) -> Path:
        """An output file until all are complete; `path` is below `processed/`."""
        return self.folder / "processed" / path

    def part_by_record(self) -> NDArray[np.unsignedinteger[Any]]:
        """The part that each record belongs to, (records,), usually 2 bytes each."""
        parts = len(self.cuts) - 1
        owner = np.empty(len(self.order), np.min_scalar_type(parts))
        for part in range(parts):
            owner[self.order[self.cuts[part] : self.cuts[part + 1]]] = part
        return owner

    def slice_starts(self, owner: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.int64]:
        """Where each part begins in each run, (segments, parts + 1) int64, in bytes."""
        starts = np.zeros((len(self.first) - 1, len(self.cuts)), np.int64)
        for index, (start, stop) in enumerate(zip(self.first[:-1], self.first[1:], strict=True)):
            sizes = np.bincount(
                owner[start:stop], self.lengths[start:stop], minlength=len(self.cuts) - 1
            )
            starts[index, 1:] = np.cumsum(sizes)
        return starts


class _Buffer:
    """Memory that is reused, so that its pages are allocated only once.

    Each process allocates its own after the fork: earlier memory would be shared with the others.
    """

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None

    def room(self, size: int) -> mmap.mmap:
        if self._memory is None or len(self._memory) < size:
            if self._memory is not None:
                self._memory.close()
            self._memory = mmap.mmap(-1, max(size, 1), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return self._memory


def _open(path: Path) -> int:
    with about(path):
        return os.open(path, os.O_RDONLY)


def _read(path: Path, descriptor: int, start: int, view: memoryview) -> None:
    """Fill `view` from `path`, from byte `start` on."""
    done = 0
    with about(path):
        while done < len(view):
            count = os.preadv(descriptor, [view[done : done + RUN_READ]], start + done)
            if not count:
                raise ScratchError(f"{path}: shorter than when it was written")
            done += count


def _pick(
    memory: mmap.mmap, starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> Iterator[bytes]:
    """Rows at `starts` to `stops` of `memory`, joined a few thousand at a time."""
    for at in range(0, len(starts), ROWS_AT_ONCE):
        first = starts[at : at + ROWS_AT_ONCE].tolist()
        last = stops[at : at + ROWS_AT_ONCE].tolist()
        yield b"".join([memory[i:j] for i, j in zip(first, last, strict=True)])


def _ends(lengths: NDArray[np.uint32]) -> NDArray[np.int64]:
    return np.cumsum(lengths, dtype=np.int64)


class Worker:
    """What a worker process does; created before the fork, so that all share the arrays."""

    def __init__(self, rows: Distribution, owner: NDArray[np.unsignedinteger[Any]]) -> None:
        self.rows, self.owner = rows, owner
        self.starts = rows.slice_starts(owner)
        self.buffer = _Buffer()
        # Each run is read once per part: on Lustre an open costs as much as a read.
        self.runs: dict[int, int] = {}

    def make_run(self, index: int) -> int:
        """Sort segment `index` by part, into a draft; returns `index`."""
        rows, source = self.rows, self.rows.segment(index)
        owner = self.owner[rows.first[index] : rows.first[index + 1]]
        stops = _ends(rows.lengths[rows.first[index] : rows.first[index + 1]])
        size = int(stops[-1])
        memory = self.buffer.room(size)
        descriptor = _open(source)
        try:
            _read(source, descriptor, 0, memoryview(memory)[:size])
        finally:
            os.close(descriptor)
        by_part = np.argsort(owner, kind="stable")
        stops = stops[by_part]
        starts = stops - rows.lengths[rows.first[index] + by_part]
        with draft(rows.run(index)) as descriptor:
            for block in _pick(memory, starts, stops):
                write_all(descriptor, block)
        return index

    def _open_run(self, index: int) -> int:
        if index not in self.runs:
            self.runs[index] = _open(self.rows.run(index))
        return self.runs[index]

    def write_files(self, task: Task) -> list[Finished]:
        """Write the drafts of the files of `task`."""
        if len(task.parts) > 1:
            return [self._write(task.files[0].path, task.parts)]
        ((start, _),) = task.parts
        memory, starts, stops = self._part(*task.parts[0])
        found = []
        for file in task.files:
            rows = slice(file.start - start, file.stop - start)
            blocks = _pick(memory, starts[rows], stops[rows])
            found.append(self._save(file.path, blocks, file.stop - file.start))
        return found

    def _write(self, path: str, parts: tuple[tuple[int, int], ...]) -> Finished:
        def blocks() -> Iterator[bytes]:
            for part in parts:
                yield from _pick(*self._part(*part))

        return self._save(path, blocks(), parts[-1][1] - parts[0][0])

    def _part(
        self, start: int, stop: int
    ) -> tuple[mmap.mmap, NDArray[np.int64], NDArray[np.int64]]:
        """Load a part: memory, and where in it the row of each position starts and stops."""
        records = self.rows.order[start:stop]
        part = int(np.searchsorted(self.rows.cuts, start, side="right")) - 1
        by_record = np.argsort(records, kind="stable")
        loaded = _ends(self.rows.lengths[records[by_record]])
        size = int(loaded[-1]) if len(loaded) else 0
        memory = self.buffer.room(size)
        at = 0
        slices = self.starts[:, part : part + 2].tolist() if size else []
        for index, (low, high) in enumerate(slices):
            if high > low:
                view = memoryview(memory)[at : at + high - low]
                _read(self.rows.run(index), self._open_run(index), low, view)
                at += high - low
        stops = np.empty(len(records), np.int64)
        stops[by_record] = loaded
        return memory, stops - self.rows.lengths[records], stops

    def _save(self, path: str, blocks: Iterable[bytes], rows: int) -> Finished:
        """Write the drafts of a file and of the index of its lines."""
        output, digest, index = self.rows.output(path), hashlib.sha256(), LineIndex()
        size = 0
        with draft(output, DRAFT_MODE) as descriptor:
            for block in itertools.chain([HEADER], blocks):
                write_all(descriptor, block)
                digest.update(block)
                index.add(block)
                size += len(block)
        with draft(index_path(output), DRAFT_MODE) as descriptor:
            write_all(descriptor, index.content())
        return Finished(path, rows, size, digest.hexdigest())
