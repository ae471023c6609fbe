"""From rows in file order to CSV files in shuffled order, with sequential reads only.

Two passes, as in an external distribution sort:

1. Each segment (rows in file order) is read whole, its rows are sorted by the part that
   they belong to, and the result is written as a run. The segment is then removed.
2. Each part is one slice of every run. They are read, sorted in memory, and written.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np

from durable import settle
from folders import sync_folder
from layout import Task
from line_index import index_path
from problems import PreparationError
from worker import Distribution, Finished, Worker

BUFFERS = 320 << 20  # all workers' buffers together
SETTLING = 4  # files that wait for the disk at once
_PR_SET_PDEATHSIG = 1  # prctl(2)


def _die_with_parent(parent: int) -> None:
    """Let the kernel kill this child when `parent`, a process id, ends (Linux)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # gone before the call
            os._exit(1)


_worker: Worker | None = None


def _start(worker: Worker, parent: int) -> None:
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
        self._worker = Worker(rows, rows.part_by_record())
        largest = max(
            int(self._worker.starts[:, -1].max()),
            int(np.diff(self._worker.starts, axis=1).sum(axis=0).max()),
        )
        self._workers = max(1, min(workers, BUFFERS // max(1, largest)))

    def runs_made(self) -> int:
        """Bytes of the runs that an earlier start made; also removes their segments."""
        made = [index for index in self._indexes() if self._rows.run(index).exists()]
        for index in made:
            self._rows.segment(index).unlink(missing_ok=True)
        return sum(int(self._worker.starts[index, -1]) for index in made)

    def make_runs(self, done: Callable[[int], None]) -> None:
        """First pass, without runs that exist; calls `done` with the bytes of each new one."""
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
        """Second pass; calls `done` with each task's files once they are complete."""
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
