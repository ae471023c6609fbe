"""The data Job's files and the sequences in them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from failures import TrainingError
from line_index import build_index, index_path, read_index

MANIFEST = "_SUCCESS"  # written last by the data Job: uniref50/publish.py
TRAIN, VALIDATION, TEST = "train", "val", "test"
_NEW_LINE, _COMMA = ord("\n"), ord(",")


@dataclass(frozen=True)
class DataSet:
    """A complete data set: its folder, its manifest and the manifest's SHA-256."""

    folder: Path
    manifest: dict[str, Any]
    sha256: str

    def files(self, split: str) -> list[Path]:
        """The CSV files of `split`, in their order."""
        names = [str(file["path"]) for file in self.manifest["files"]]
        return [self.folder / name for name in names if name.startswith(f"{split}/")]


def open_data_set(folder: Path) -> DataSet:
    """The data set in `folder`.

    Raises:
        TrainingError: there is none, or it is incomplete.
    """
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
        manifest = json.loads(text)
        files = {str(file["path"]): int(file["bytes"]) for file in manifest["files"]}
    except FileNotFoundError:
        raise TrainingError(
            f"--data {folder}: no data set ({MANIFEST} is missing). Let the data Job "
            "finish first, or name the folder that holds train/, val/ and test/"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise TrainingError(
            f"--data {folder}: {MANIFEST} was not written by the data Job, so the files "
            "there are unknown"
        ) from None
    for name, size in files.items():
        file = folder / name
        found = file.stat().st_size if file.is_file() else None
        if found != size:
            what = "is missing" if found is None else f"has {found:,} bytes, not {size:,}"
            raise TrainingError(
                f"--data {folder}: {name} {what}. Let the data Job recreate the data set"
            )
    return DataSet(folder, manifest, hashlib.sha256(text).hexdigest())


def index_files(files: list[Path], part: int, parts: int) -> int:
    """Write the missing indexes of every `parts`-th file from `part` on; return how many."""
    missing = [file for file in files[part::parts] if read_index(file) is None]
    for file in missing:
        try:
            build_index(file)
        except OSError as error:
            raise TrainingError(
                f"{index_path(file)}: cannot be written ({error.strerror}). The training needs it "
                "next to the data: mount the data set writable"
            ) from None
    return len(missing)


@dataclass(frozen=True)
class Records:
    """Consecutive sequences as they are in their files.

    Attributes:
        text: bytes, (bytes,) uint8.
        starts: first letter of each sequence in `text`, (records,) int64.
        lengths: letters of each sequence, (records,) int64.
    """

    text: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


class Sequences:
    """All sequences of a split, numbered through its files.

    Args:
        files: CSV files, each with its index.
    """

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._indexes = []
        for file in files:
            rows = read_index(file)
            if rows is None:
                raise TrainingError(f"{index_path(file)}: is missing or incomplete")
            self._indexes.append(rows)
        counts = [len(rows) - 1 for rows in self._indexes]
        self._first = np.cumsum([0, *counts])

    def __len__(self) -> int:
        return int(self._first[-1])

    def lengths(self) -> NDArray[np.uint32]:
        """Letters of each sequence, (sequences,) uint32."""
        return np.concatenate([np.zeros(0, np.uint32), *(r["length"][:-1] for r in self._indexes)])

    def read(self, first: int, stop: int) -> Records:
        """The sequences from `first` to before `stop`, with one read per file.

        Raises:
            TrainingError: an index does not match its file.
        """
        texts, starts, lengths = [], [], []
        size = 0
        file = int(np.searchsorted(self._first, first, side="right")) - 1
        while first < stop:
            base, end = int(self._first[file]), int(self._first[file + 1])
            upto = min(stop, end)
            rows = self._indexes[file][first - base : upto - base]
            if len(rows):
                text, offset = self._text(self._files[file], rows)
                texts.append(text)
                starts.append(rows["offset"].astype(np.int64) - offset + size)
                lengths.append(rows["length"].astype(np.int64))
                size += len(text)
            first, file = upto, file + 1
        return Records(np.concatenate(texts), np.concatenate(starts), np.concatenate(lengths))

    def _text(self, file: Path, rows: NDArray[np.void]) -> tuple[NDArray[np.uint8], int]:
        """Bytes from the comma before the first sequence to the line end after the last."""
        offset = int(rows[0]["offset"]) - 1
        end = int(rows[-1]["offset"]) + int(rows[-1]["length"]) + 1
        text = np.fromfile(file, np.uint8, end - offset, offset=offset)
        starts = rows["offset"].astype(np.int64) - offset
        ends = starts + rows["length"]
        whole = len(text) == end - offset
        if not whole or (text[starts - 1] != _COMMA).any() or (text[ends] != _NEW_LINE).any():
            raise TrainingError(
                f"{index_path(file)}: does not match {file.name}. Remove it: the next "
                "start recreates it"
            )
        return text, offset


def open_split(data: DataSet, split: str) -> Sequences:
    """The sequences of `split`, whose files have their indexes.

    Raises:
        TrainingError: it has no files or no sequences.
    """
    sequences = Sequences(data.files(split))
    if not len(sequences):
        raise TrainingError(f"--data {data.folder}: the split {split} has no sequences")
    return sequences
