"""Prepare UniRef50 with the BioNeMo container's own code, as the 2024 blueprint did.

It takes 50 to 60 hours: that code reads its records one at a time, in random order. It runs only in
the container, which has `bionemo.data`. A marker tells a later run that the work is done.

That code gives up at the first network fault. It is then called again after 1, 2, 4, 8, 16 and 32
minutes and every hour from then on, 6 hours in total; the Job starts the program three more times,
so a server may be down for a day.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import json
import sys
import time
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MARKER = "_SUCCESS"
EXIT_DONE, EXIT_AGAIN, EXIT_WRONG = 0, 1, 2
SPLITS = ("val", "test", "train")
# The training's indexes of the old files (see publish.py), and the old files themselves.
OLD = (
    *("*.idx.npy", "*.idx.info", "*_indexmap_*.npy"),
    *(f"{split}/x*.csv{index}" for split in SPLITS for index in ("", ".index")),
)
# pyfastx uses any index it finds, even one that a kill has left unfinished.
UNFINISHED = "*.fxi*"
# The container's code does not notice a truncated download; unpacking it does.
CUT_OFF = (EOFError, gzip.BadGzipFile, zlib.error)
NETWORK = {"requests", "urllib3", "http"}
PAUSES = (60, 120, 240, 480, 960, 1920, *[3600] * 5)  # seconds


def main() -> int:
    """Prepare the data set below `--root`, unless it exists; return the exit status."""
    parameters = vars(_parser().parse_args())
    root: Path = parameters.pop("root")
    replace, batch = parameters.pop("replace"), parameters.pop("global_batch_size")
    wanted = {"preparation": "bionemo", **parameters}
    marker = root / "processed" / MARKER
    try:
        found = _read(marker)
        if found == wanted:
            print(f"{marker}: the data set is complete; nothing to do.")
        elif found is not None and not replace:
            return _fail(
                f"{marker} describes another data set: {found}, not {wanted}. "
                "Set dataset.replace to replace it.",
                EXIT_WRONG,
            )
        elif why := _too_small(parameters, {}, batch):
            return _fail(why, EXIT_WRONG)
        else:
            with _unread(root / "processed.lock"):
                _make(root, marker, wanted, parameters)
        rows = {"train": _rows(root / "processed/train", max(batch, parameters["num_csv_files"]))}
    except Exception as error:  # the container's code may raise anything
        return _fail(_described(error), EXIT_AGAIN)
    why = _too_small(parameters, rows, batch)
    return _fail(why, EXIT_WRONG) if why else EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    for option in ("--val-size", "--test-size", "--num-csv-files", "--seed"):
        parser.add_argument(option, type=int, required=True)
    parser.add_argument(
        "--global-batch-size",
        type=int,
        default=0,
        metavar="N",
        help="sequences per training step: a data set that is too small for it is an error",
    )
    parser.add_argument("--replace", action="store_true")
    return parser


def _fail(message: str, status: int) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return status


def _described(error: Exception) -> str:
    """One line on what failed and where, because the code is not ours."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    cause: BaseException = error
    while cause.__cause__:
        cause = cause.__cause__
    text = " ".join(str(cause).split()) or "no reason given"
    return (
        f"the container's preparation failed: {type(cause).__name__}: {text} "
        f"({Path(place.filename).name}, line {place.lineno}); run again to retry"
    )


def _read(marker: Path) -> Any:
    """Return the marker's content; None without one, its text if it is not JSON."""
    if not marker.exists():
        return None
    text = marker.read_text(encoding="utf-8", errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


@contextmanager
def _unread(path: Path) -> Iterator[None]:
    """Wait until no training worker reads the data set (workloads/training/start.py)."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for a training in {path.parent} to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(root: Path, marker: Path, wanted: dict[str, Any], parameters: dict[str, int]) -> None:
    """Create the data set in place of the existing one, and the marker last."""
    marker.unlink(missing_ok=True)
    for pattern in OLD:
        _remove(marker.parent, pattern)
    _remove(root / "raw", UNFINISHED)
    for pause in (*PAUSES, None):
        try:
            _prepare(root, parameters)
            break
        except Exception as error:
            if isinstance(error, CUT_OFF):
                _remove(root / "raw", "*.fasta.gz")
            if pause is None or not _of_the_network(error):
                raise
            text = " ".join(str(error).split())
            print(f"download: {type(error).__name__}: {text}; retry in {pause} s", flush=True)
            time.sleep(pause)
    draft = marker.with_name(f"{MARKER}.partial")
    draft.write_text(json.dumps(wanted), encoding="utf-8")
    draft.replace(marker)


def _of_the_network(error: Exception) -> bool:
    """Whether the network or the server is to blame, so that a retry may succeed."""
    known = isinstance(error, (ConnectionError, TimeoutError, *CUT_OFF))
    return known or type(error).__module__.partition(".")[0] in NETWORK


def _remove(folder: Path, pattern: str) -> None:
    """Remove the files of a pattern anywhere below `folder`."""
    for path in [*folder.rglob(pattern)]:
        path.unlink()


def _prepare(root: Path, parameters: dict[str, int]) -> None:
    # Only the container has it.
    from bionemo.data import UniRef50Preprocess  # type: ignore[import-not-found,unused-ignore]

    UniRef50Preprocess(root_directory=str(root)).prepare_dataset(
        source="uniprot",
        num_csv_files=parameters["num_csv_files"],
        val_size=parameters["val_size"],
        test_size=parameters["test_size"],
        random_seed=parameters["seed"],
    )


def _rows(folder: Path, enough: int) -> int:
    """Rows in the files of a split, counted until there are `enough`."""
    found = 0
    for path in sorted(folder.glob("x*.csv")):
        with path.open("rb") as lines:
            next(lines, None)  # the header
            for _ in lines:
                found += 1
                if found >= enough:
                    return found
    return found


def _too_small(parameters: dict[str, int], train: dict[str, int], batch: int) -> str:
    """Why training cannot use the splits; empty if it can, or if `batch` is 0."""
    sizes = {"val": parameters["val_size"], "test": parameters["test_size"], **train}
    least = max(batch, parameters["num_csv_files"])
    for name, rows in sizes.items():
        if batch and rows < least:
            return (
                f"the split {name} has {rows:,} rows, too few for a global batch of {batch:,} "
                f"sequences and {parameters['num_csv_files']:,} files, none of which may be empty. "
                "Choose other split sizes, fewer files, or smaller batches"
            )
    return ""


if __name__ == "__main__":
    sys.exit(main())
