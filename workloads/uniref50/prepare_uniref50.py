"""Prepare UniRef50 for ESM-1nv: train, validation and test files, by sequential reads alone.

The files are byte for byte those of BioNeMo's UniRef50Preprocess with the same parameters.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

# In the pod they lie beside this file.
sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

import cores
import metalink
from durable import only_one, remove
from layout import Split
from problems import PreparationError, SourceError, explain
from progress import size
from publish import OtherDataSetError, asked_for, complete
from remote import RemoteSource
from server import Patience
from source import LocalSource, Source
from spans import span
from stages import Preparation

URL = "https://ftp.uniprot.org/pub/databases/uniprot/uniref/uniref50/uniref50.fasta.gz"
EXIT_DONE, EXIT_AGAIN, EXIT_WRONG, EXIT_INTERRUPT, EXIT_TERMINATED = 0, 1, 2, 130, 143
_EPILOG = f"""exit status: {EXIT_DONE} the data set is complete; {EXIT_AGAIN} failed, another run
goes on from there; {EXIT_WRONG} the parameters or the input are wrong, another run would end the
same; {EXIT_TERMINATED} stopped by SIGTERM. Proxies: http_proxy, https_proxy, no_proxy."""


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not allowed: give a whole number from {least} to {most}"
            )
        return value

    return number


def _url(text: str) -> str:
    why = _wrong_with(text)
    if why:
        # Whatever has an @ is not repeated: it may hold a password.
        shown = "this address" if "@" in text else repr(text)
        raise argparse.ArgumentTypeError(f"{shown} is not allowed: {why}")
    return text


def _wrong_with(url: str) -> str:
    """What is wrong with an address; empty if nothing is.

    The setting dataset.url has the same rules (constructs/bionemo_eks/configuration/addresses.py).
    """
    no_url = "give a http, https or file URL"
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:  # brackets that hold no address
        return no_url
    if "@" in parts.netloc:
        return "a user and password are not allowed in it: they would stand in the Job and its log"
    known = parts.hostname is not None and parts.scheme in {"http", "https"}
    if not (known or url.startswith("file:/")) or not url.isprintable() or " " in url:
        return no_url
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return "a port is a number from 1 to 65535"
    if not parts.path.rpartition("/")[2]:
        return "it names no file"
    return ""


@dataclass(frozen=True)
class _Number:
    """An option that takes a whole number; `help` says what of."""

    option: str
    least: int
    most: int
    default: int
    help: str
    metavar: str = "N"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            self.option,
            type=_number(self.least, self.most),
            default=self.default,
            metavar=self.metavar,
            help=self.help,
        )


def _numbers() -> list[_Number]:
    split = Split()
    return [
        _Number("--val-size", 0, 2**31, split.val_size, "rows (%(default)s)"),
        _Number("--test-size", 0, 2**31, split.test_size, "rows (%(default)s)"),
        _Number(
            "--num-csv-files", 1, 10_000, split.num_csv_files, "files of each split (%(default)s)"
        ),
        _Number("--seed", 0, 2**63 - 1, split.seed, "of the shuffle (%(default)s)"),
        _Number(
            "--workers",
            1,
            256,
            cores.available(),
            "processes (the CPU limit of this container or machine: %(default)s)",
        ),
        _Number("--connections", 1, 16, 4, "to the server (%(default)s)"),
        _Number(
            "--timeout",
            1,
            3600,
            round(Patience.stall),
            "with next to no byte, after which to connect anew (%(default)s)",
            "SECONDS",
        ),
        _Number(
            "--attempts",
            1,
            1000,
            Patience.attempts,
            "in a row without a byte, before giving up (%(default)s: some six hours)",
        ),
        _Number(
            "--global-batch-size",
            0,
            2**31,
            0,
            "sequences of a training's step: a data set that is too small for it is an error "
            "(0: do not look)",
        ),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG)
    add = parser.add_argument
    add("--root", type=Path, required=True, metavar="DIR", help="gets raw/ and processed/")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--url",
        type=_url,
        default=URL,
        help="FASTA, plain or gzip; http, https or file (%(default)s)",
    )
    source.add_argument("--fasta", type=Path, metavar="FILE", help="the same, on this machine")
    for number in _numbers():
        number.add_to(parser)
    add("--keep-raw", action="store_true", help="keep the download in raw/")
    add("--replace", action="store_true", help="replace a data set of other parameters")
    return parser


def _source(options: argparse.Namespace, raw: Path) -> Source:
    parts = urllib.parse.urlsplit(options.url)
    if options.fasta is not None:
        return LocalSource(options.fasta)
    if parts.scheme == "file":
        path = Path(urllib.request.url2pathname(parts.path))
        return LocalSource(path, metalink.read(path, options.url))
    patience = Patience(options.timeout, options.attempts)
    return RemoteSource(options.url, raw, options.connections, patience)


def prepare(options: argparse.Namespace) -> None:
    """Make the data set below `options.root`, unless it is there.

    Raises:
        PreparationError, OSError: it could not be made; what is finished is kept.
    """
    split = Split(options.val_size, options.test_size, options.num_csv_files, options.seed)
    raw, processed = options.root / "raw", options.root / "processed"
    source = _source(options, raw)
    asked = asked_for(split, source)
    for folder in (raw, processed):
        folder.mkdir(parents=True, exist_ok=True)
    with only_one(raw):
        preparation = Preparation(
            raw / "work", processed, split, options.workers, options.global_batch_size
        )
        try:
            manifest = complete(processed, asked, source.is_of)
        except OtherDataSetError:
            if not options.replace:
                raise
            manifest = None
        if manifest is not None:
            preparation.demand(manifest["counts"])
            print(
                f"{processed}: complete already, {manifest['records']:,} records in "
                f"{len(manifest['files'])} files; nothing to do"
            )
        else:
            started = time.monotonic()
            _warn_of_space(options.root, source)
            manifest = preparation.run(source, keep_raw=options.keep_raw)
            _summarise(processed, manifest, time.monotonic() - started)
        remove(raw / "work")


def _warn_of_space(root: Path, source: Source) -> None:
    """Unpacked rows take about 1.8 times what gzip leaves; there are two copies at the end."""
    packed = source.expected.size
    free = shutil.disk_usage(root).free
    if packed and source.name.endswith(".gz") and free < 4.5 * packed:
        print(f"warning: {root} has {size(free)} free; about {size(4.5 * packed)} may be needed")


def _summarise(processed: Path, manifest: dict[str, object], seconds: float) -> None:
    counts, files = manifest["counts"], manifest["files"]
    assert isinstance(counts, dict)
    assert isinstance(files, list)
    total = sum(file["bytes"] for file in files)
    print(f"{processed}: {len(files)} files, {size(total)}, in {span(seconds)}")
    for name, rows in counts.items():
        print(f"  {name:<6}{rows:>12,} rows")
    if manifest["records_cut_short"]:
        print(
            f"warning: {manifest['records_cut_short']:,} sequences are cut short, as the reference "
            "does it, because their lines do not end as their headers do"
        )


def _terminate(number: int, frame: FrameType | None) -> None:
    """End at once: every stage can be killed at any moment, and goes on in the next run.

    No exception: Python swallows one that is raised while a process forks or is finalized.
    """
    for child in multiprocessing.active_children():
        child.kill()
    # Not an error: whoever reads the log for errors must not take it for one.
    os.write(2, b"stopped: finished work is kept, run again to go on\n")
    os._exit(EXIT_INTERRUPT if number == signal.SIGINT else EXIT_TERMINATED)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _terminate)
    # A file size limit is an error of a write, not a death.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        prepare(options)
    except (SourceError, OtherDataSetError) as error:
        return _fail(str(error), EXIT_WRONG)
    except PreparationError as error:
        return _fail(str(error), EXIT_AGAIN)
    except OSError as error:
        return _fail(explain(error), EXIT_AGAIN)
    except MemoryError:
        return _fail("too little memory: give the container more, or pass --workers 1", EXIT_AGAIN)
    return EXIT_DONE


def _fail(message: str, status: int) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Threads that wait for a dead server must not hold the exit up.
    os._exit(status)
