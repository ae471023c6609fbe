"""The stages of a preparation, in order; each is done once, however often the program starts."""

from __future__ import annotations

import functools
import hashlib
import itertools
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import line_index
import segments
from durable import read_json, remove, unread, write_json
from layout import SPLITS, Split, Task, Wanted, output_files, rows_of, shuffled, tasks, too_small
from order import Orderer
from problems import PreparationError, ScratchError, SourceError
from progress import Progress
from publish import file_size, manifest_of, publish, write_manifest
from segments import PIECE_ROWS, Segments, piece_bytes
from source import Source
from worker import Distribution, Finished

VERSION = "1.0.0"


@functools.cache
def program() -> str:
    """A hash of this program: unfinished work of another version is not resumed."""
    digest = hashlib.sha256()
    for folder in (Path(__file__).parent, Path(line_index.__file__).parent):
        for path in sorted(folder.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


class Preparation:
    """The preparation of one data set.

    Args:
        work: folder for unfinished work; on the same file system as `processed`.
        processed: gets the files once all of them are complete.
        wanted: how to split the records.
        workers: processes for the second and third stage.
        global_batch_size: sequences that a training step takes from a split; 0 if unknown.
    """

    def __init__(
        self, work: Path, processed: Path, wanted: Wanted, workers: int, global_batch_size: int
    ) -> None:
        self._work, self._processed = work, processed
        self._wanted, self._workers = wanted, workers
        self._global_batch_size = global_batch_size
        self._state = work / "state.json"

    def run(self, source: Source, *, keep_raw: bool) -> dict[str, Any]:
        """Do what an earlier run has not done; return the manifest.

        Raises:
            SourceError: the input is wrong; retrying does not help.
            PreparationError, OSError: a later run may resume.
        """
        try:
            rows = self._rows(source)
            split = self._wanted.split(rows.records)
            self.demand(rows_of(rows.records, split))
            if not keep_raw:
                source.discard()
            finished = self._files(rows, split)
            with unread(self._processed):
                publish(self._work / "processed", self._processed, finished)
        except ScratchError as error:
            remove(self._work)
            raise PreparationError(
                f"{error}. The unfinished work has been removed; run again to redo it."
            ) from None
        manifest = manifest_of(VERSION, split, rows.source, rows.found, finished)
        write_manifest(self._processed, manifest)
        return manifest

    def demand(self, rows: dict[str, int]) -> None:
        """Make sure that training can use splits of these `rows`.

        Raises:
            SourceError: it would fail after its nodes have started.
        """
        why = self._wanted.empty(rows)
        if self._global_batch_size and not why:
            why = too_small(rows, self._wanted.num_csv_files, self._global_batch_size)
        if why:
            raise SourceError(
                f"{self._processed}: {why}. Choose other split sizes, "
                "fewer files, or smaller batches"
            )

    def _rows(self, source: Source) -> Segments:
        """First stage: the source's rows, in segments."""
        key = {
            "program": program(),
            **segments.plan(),
            **asdict(self._wanted),
            **source.identity,
            "name": source.name,
        }
        state = read_json(self._state) or {}
        if state.get("key") == key:
            print("read: done by an earlier run", flush=True)
            return segments.restore(self._work, state)
        remove(self._work)
        self._work.mkdir()
        try:
            rows = segments.read_source(source, self._work)
        except SourceError as error:
            raise source.doubted(error) from None
        split = self._wanted.split(rows.records)
        if rows.records < split.val_size + split.test_size:
            remove(self._work)
            raise SourceError(
                f"{source.name}: {rows.records:,} records are fewer than --val-size "
                f"{split.val_size} and --test-size {split.test_size} together"
            )
        write_json(self._state, {"key": key, **segments.save(rows)})
        return rows

    def _files(self, rows: Segments, split: Split) -> list[Finished]:
        """Second and third stage: runs by part, and the files from them."""
        done_path = self._work / "finished.json"
        done = [Finished(**each) for each in (read_json(done_path) or {}).get("files", [])]
        names = {file.path for file in done if self._is_there(file)}
        todo, cuts = self._plan(rows, split)
        left = [task for task in todo if not names.issuperset(f.path for f in task.files)]
        again = {file.path for task in left for file in task.files}
        done = [file for file in done if file.path not in again]
        if left:
            order = shuffled(rows.records, split.seed)
            orderer = Orderer(
                Distribution(self._work, order, rows.lengths, rows.first, cuts), self._workers
            )
            total = int(rows.lengths.sum(dtype=np.int64))
            self._make_runs(orderer, total)
            self._write_files(orderer, total, left, done, done_path)
        place = {file.path: index for index, file in enumerate(f for t in todo for f in t.files)}
        return sorted(done, key=lambda file: place[file.path])

    def _is_there(self, file: Finished) -> bool:
        """Whether a finished file is complete, published or not."""
        return file.bytes in (
            file_size(self._work / "processed" / file.path),
            file_size(self._processed / file.path),
        )

    def _plan(
        self, rows: Segments, split: Split
    ) -> tuple[list[Task], np.ndarray[Any, np.dtype[np.int64]]]:
        """The tasks of the third stage, and the cuts between their parts."""
        total = int(rows.lengths.sum(dtype=np.int64))
        part_rows = max(1, min(PIECE_ROWS, piece_bytes(total) * rows.records // total))
        todo = tasks(output_files(rows.records, split), part_rows)
        stops = itertools.chain.from_iterable(([s for _, s in task.parts]) for task in todo)
        return todo, np.array([0, *stops], np.int64)

    def _make_runs(self, orderer: Orderer, total: int) -> None:
        sorted_bytes = orderer.runs_made()
        progress = Progress("sort", total, sorted_bytes)

        def done(count: int) -> None:
            nonlocal sorted_bytes
            sorted_bytes += count
            progress.update(sorted_bytes)

        orderer.make_runs(done)
        progress.finish("rows by part")

    def _write_files(
        self, orderer: Orderer, total: int, left: list[Task], done: list[Finished], path: Path
    ) -> None:
        for split in SPLITS:
            (self._work / "processed" / split).mkdir(parents=True, exist_ok=True)
        written = sum(file.bytes for file in done)
        progress = Progress("write", total, written)

        def add(files: list[Finished]) -> None:
            nonlocal written
            done.extend(files)
            write_json(path, {"files": [asdict(file) for file in done]})
            written += sum(file.bytes for file in files)
            progress.update(written)

        orderer.write_files(left, add)
        progress.finish(f"{len(done)} files")
