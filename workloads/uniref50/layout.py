"""Which record goes where: the reference's split, and the parts it is built from.

"Position" is a place in the shuffled order of all records. Files are ranges of positions:
those of `val`, then of `test`, then of `train`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEADER = b"record_id,record_name,sequence_length,sequence\n"
SPLITS = ("val", "test", "train")
# Permissions of an output file before and after it has its final name: see publish.py.
DRAFT_MODE, FINAL_MODE = 0o600, 0o644


# The size of a split: a number of records, a share of all, or None for the default.
Size = int | float | None


@dataclass(frozen=True)
class Usual:
    """The default size of a split: a share of all records, at most `most`."""

    share: float
    most: int


# At most the reference's own sizes: UniRef50 has enough records for both.
USUAL = {"val": Usual(0.01, 5000), "test": Usual(0.02, 1_000_000)}


@dataclass(frozen=True)
class Split:
    """The reference's parameters (UniRef50Preprocess.prepare_dataset in BioNeMo 1.x)."""

    val_size: int
    test_size: int
    num_csv_files: int = 50
    seed: int = 0


@dataclass(frozen=True)
class Wanted:
    """How to split the records, before their number is known.

    `least`: minimum records of a split whose size is not set, if there are enough.
    """

    val_size: Size = None
    test_size: Size = None
    num_csv_files: int = 50
    seed: int = 0
    least: int = 1

    def split(self, records: int) -> Split:
        """Return the sizes in records."""
        return Split(
            self._rows(self.val_size, USUAL["val"], records),
            self._rows(self.test_size, USUAL["test"], records),
            self.num_csv_files,
            self.seed,
        )

    def _rows(self, size: Size, usual: Usual, records: int) -> int:
        if isinstance(size, int):
            return size
        if size is not None:
            return round(size * records)
        rows = max(self.least, min(usual.most, round(usual.share * records)))
        return min(rows, records // len(SPLITS))

    def sizes(self, records: int) -> dict[str, int]:
        """Return the sizes that are set, in records."""
        split = self.split(records)
        asked = {"val_size": self.val_size, "test_size": self.test_size}
        return {name: getattr(split, name) for name, size in asked.items() if size is not None}

    def empty(self, rows: dict[str, int]) -> str:
        """Why splits of these `rows` are not what was requested; empty if all have rows.

        A requested size of 0 is fine.
        """
        asked = {"val": self.val_size, "test": self.test_size}
        for name, count in rows.items():
            if not count and asked.get(name) != 0:
                return f"the split {name} has 0 rows of {sum(rows.values()):,}"
        return ""


def rows_of(records: int, split: Split) -> dict[str, int]:
    """Rows of each split, in the order of positions."""
    rest = records - split.val_size - split.test_size
    return dict(zip(SPLITS, (split.val_size, split.test_size, rest), strict=True))


def too_small(rows: dict[str, int], num_csv_files: int, global_batch_size: int) -> str:
    """Why training cannot use splits of these `rows`; empty if it can.

    It reads every file of every split, and takes full global batches from each.
    """
    for name, count in rows.items():
        for least, what in (
            (global_batch_size, f"one global batch of {global_batch_size:,} sequences"),
            (num_csv_files, f"its {num_csv_files:,} files, none of which may be empty"),
        ):
            if count < least:
                return f"the split {name} has {count:,} rows, too few for {what}"
    return ""


@dataclass(frozen=True)
class OutputFile:
    """One CSV file: its path below `processed/` and its positions `start` to `stop`."""

    path: str
    start: int
    stop: int


@dataclass(frozen=True)
class Task:
    """Output files that one worker writes, and the parts it builds them from.

    A part is a range of positions that is sorted in memory: either one part holds all files
    of the task, or several parts make up its one file.
    """

    files: tuple[OutputFile, ...]
    parts: tuple[tuple[int, int], ...]


def shuffled(records: int, seed: int) -> NDArray[np.uint32]:
    """Record numbers (from 0) by position, shape (records,), uint32.

    Shuffled as int64 as in the reference, then halved: at most 12 bytes per record.
    """
    numbers = np.arange(records, dtype=np.int64)
    np.random.default_rng(seed).shuffle(numbers)
    return numbers.astype(np.uint32)


def output_files(records: int, split: Split) -> list[OutputFile]:
    """All files, by position; each split is cut as by numpy.array_split."""
    files = []
    start = 0
    for name, size in rows_of(records, split).items():
        each, longer = divmod(size, split.num_csv_files)
        for index in range(split.num_csv_files):
            stop = start + each + (index < longer)
            files.append(OutputFile(f"{name}/x{index:03d}.csv", start, stop))
            start = stop
    return files


def tasks(files: list[OutputFile], part_rows: int) -> list[Task]:
    """`files` as tasks whose parts have at most `part_rows` rows each."""
    found: list[Task] = []
    group: list[OutputFile] = []

    def close_group() -> None:
        if group:
            found.append(Task(tuple(group), ((group[0].start, group[-1].stop),)))
            group.clear()

    for file in files:
        if group and file.stop - group[0].start > part_rows:
            close_group()
        if file.stop - file.start > part_rows:
            cuts = [*range(file.start, file.stop, part_rows), file.stop]
            found.append(Task((file,), tuple(itertools.pairwise(cuts))))
        else:
            group.append(file)
    close_group()
    return found
