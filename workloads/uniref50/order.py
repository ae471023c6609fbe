"""From rows in file order to CSV files in shuffled order, with sequential reads only.

Two passes, as in an external distribution sort:

1. Each segment (rows in file order) is read whole, its rows are sorted by the part that
   they belong to, and the result is written as a run. The segment is then removed.
2. Each part is one slice of every run. They are read, sorted in memory, and written.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import mmap
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from durable import draft, settle, write_all
from folders import sync_folder
from layout import DRAFT_MODE, HEADER, Task
from line_index import LineIndex, index_path
from problems import PreparationError, ScratchError, about
from segments import segment_path

RUN_READ = 8 << 20
ROWS_AT_ONCE = 8192  # about 2.5 MB of rows: joined in the cache, written in one call
BUFFERS = 320 << 20  # all workers' buffers together
SETTLING = 4  # files that wait for the disk at once
_PR_SET_PDEATHSIG = 1  # prctl(2)


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

    The process that uses it allocates it: memory from before a fork is shared by all children.
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


class _Worker:
    """What a worker process does; created before the fork, so that all share its arrays."""

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


def _die_with_parent(parent: int) -> None:
    """Let the kernel kill this child when `parent`, a process id, ends (Linux)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # gone before the call
            os._exit(1)


_worker: _Worker | None = None


def _start(worker: _Worker, parent: int) -> None:
    global _worker  # noqa: PLW0603 - the only way to pass a fork's memory to a pool's tasks
    _die_with_parent(parent)
    _worker = worker


def _make_run(index: int) -> int:
    assert _worker is not None
    return _worker.make_run(index)


def _write_files(task: Task) -> list[Finished]:
    assert _worker is not None
    return _worker.write_files(task)


class Orderer:
    """Both passes over `rows`, in `workers` processes.

    The workers write, while threads of this process wait for the disk.
    """

    def __init__(self, rows: Distribution, workers: int) -> None:
        self._rows = rows
        self._worker = _Worker(rows, rows.part_by_record())
        largest = max(
            int(self._worker.starts[:, -1].max()),
            int(np.diff(self._worker.starts, axis=1).sum(axis=0).max()),
        )
        self._workers = max(1, min(workers, BUFFERS // max(1, largest)))

    def runs_made(self) -> int:
        """Bytes in runs from an earlier start; removes their segments, if left."""
        made = [index for index in self._indexes() if self._rows.run(index).exists()]
        for index in made:
            self._rows.segment(index).unlink(missing_ok=True)
        return sum(int(self._worker.starts[index, -1]) for index in made)

    def make_runs(self, done: Callable[[int], None]) -> None:
        """First pass, except for runs from an earlier start; `done` gets bytes."""
        todo = [index for index in self._indexes() if not self._rows.run(index).exists()]
        for size in self._each(_make_run, self._settle_run, todo):
            done(size)

    def _indexes(self) -> range:
        return range(len(self._rows.first) - 1)

    def _settle_run(self, index: int) -> int:
        settle(self._rows.run(index))
        sync_folder(self._rows.folder)  # the run must be durable before the segment is removed
        self._rows.segment(index).unlink()
        return int(self._worker.starts[index, -1])

    def write_files(self, todo: list[Task], done: Callable[[list[Finished]], None]) -> None:
        """Second pass; `done` gets each task's files once they are complete."""
        for files in self._each(_write_files, self._settle_files, todo):
            done(files)

    def _settle_files(self, files: list[Finished]) -> list[Finished]:
        outputs = [self._rows.output(file.path) for file in files]
        for path in outputs:
            settle(index_path(path))
            settle(path)
        for folder in {path.parent for path in outputs}:
            sync_folder(folder)
        return files

    def _each(
        self, work: Callable[[Any], Any], make_durable: Callable[[Any], Any], items: list[Any]
    ) -> Iterator[Any]:
        """`work` on each of `items` in the pool, then `make_durable`; yields the results."""
        if not items:
            return
        context = multiprocessing.get_context("fork")
        count = min(self._workers, len(items))
        initial = (self._worker, os.getpid())
        pool = ProcessPoolExecutor(count, context, initializer=_start, initargs=initial)
        disk = ThreadPoolExecutor(SETTLING)
        try:
            working: set[Future[Any]] = {pool.submit(work, item) for item in items}
            settling: set[Future[Any]] = set()
            while working or settling:
                ready, _ = wait(working | settling, return_when=FIRST_COMPLETED)
                for future in ready & working:
                    settling.add(disk.submit(make_durable, future.result()))
                for future in ready & settling:
                    yield future.result()
                working, settling = working - ready, settling - ready
        except BrokenProcessPool:
            raise PreparationError(
                "a worker process was killed, most often because memory ran out: "
                "give the container more, or pass a smaller --workers"
            ) from None
        finally:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)
            disk.shutdown(wait=True, cancel_futures=True)
