"""Prepare UniRef50 for ESM-1nv: train, validation and test files, with sequential reads only.

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
from pathlib import Path
from types import FrameType

# For the modules in common/; in a pod they are next to this file.
sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

import metalink
from arrival import await_files
from command_line import EXIT_AGAIN, EXIT_DONE, EXIT_TERMINATED, EXIT_WRONG, parser, wanted_by
from durable import only_one, remove
from problems import PreparationError, SourceError, explain
from progress import size
from publish import OtherDataSetError, complete
from remote import RemoteSource
from server import Patience
from source import LocalSource, Source
from spans import span
from stages import Preparation

_EXIT_INTERRUPT = 130
_LISTED = 12  # letters that are not amino acids, in the warning about them


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
    """Create the data set below `options.root`, unless it exists.

    Raises:
        PreparationError, OSError: it failed; what is finished is kept.
    """
    wanted = wanted_by(options)
    raw, processed = options.root / "raw", options.root / "processed"
    await_files(options.awaited)
    source = _source(options, raw)
    for folder in (raw, processed):
        folder.mkdir(parents=True, exist_ok=True)
    with only_one(raw):
        preparation = Preparation(
            raw / "work", processed, wanted, options.workers, options.global_batch_size
        )
        try:
            manifest = complete(processed, wanted, source)
        except OtherDataSetError:
            if not options.replace:
                raise
            manifest = None
        if manifest is not None:
            preparation.demand(manifest["counts"])
            print(
                f"{processed}: already complete, {manifest['records']:,} records in "
                f"{len(manifest['files'])} files; nothing to do"
            )
        else:
            started = time.monotonic()
            _warn_of_space(options.root, source)
            manifest = preparation.run(source, keep_raw=options.keep_raw)
            _summarize(processed, manifest, time.monotonic() - started)
        remove(raw / "work")


def _warn_of_space(root: Path, source: Source) -> None:
    """Warn if space may run out: rows take about 1.8 times the gzip file, twice that at the end."""
    packed = source.expected.size
    free = shutil.disk_usage(root).free
    if packed and source.name.endswith(".gz") and free < 4.5 * packed:
        print(f"warning: {root} has {size(free)} free; about {size(4.5 * packed)} may be needed")


def _summarize(processed: Path, manifest: dict[str, object], seconds: float) -> None:
    counts, files = manifest["counts"], manifest["files"]
    assert isinstance(counts, dict)
    assert isinstance(files, list)
    total = sum(file["bytes"] for file in files)
    print(f"{processed}: {len(files)} files, {size(total)}, in {span(seconds)}")
    print(f"  {manifest['records']:,} records, {manifest['residues']:,} residues")
    for name, rows in counts.items():
        print(f"  {name:<6}{rows:>12,} rows")
    strange = manifest["no_amino_acids"]
    assert isinstance(strange, dict)
    if strange:
        listed = ", ".join(
            f"{letter!r} {count:,}" for letter, count in [*strange.items()][:_LISTED]
        )
        print(f"warning: {sum(strange.values()):,} letters that are not amino acids: {listed}")
    if manifest["records_cut_short"]:
        print(
            f"warning: {manifest['records_cut_short']:,} sequences are cut short, as in the "
            "reference, because their lines end differently from their headers"
        )


def _terminate(number: int, frame: FrameType | None) -> None:
    """Exit at once: every stage can be killed at any moment, and resumes in the next run.

    Not by an exception: Python swallows one raised while a process forks or is finalized.
    """
    for child in multiprocessing.active_children():
        child.kill()
    # Not an error: the alarm on errors in the log must not match it.
    os.write(2, b"stopped: finished work is kept, run again to resume\n")
    os._exit(_EXIT_INTERRUPT if number == signal.SIGINT else EXIT_TERMINATED)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = parser(str(__doc__)).parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _terminate)
    # Turn a file size limit into a write error; by default it kills the process.
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
        return _fail("out of memory: give the container more, or pass --workers 1", EXIT_AGAIN)
    return EXIT_DONE


def _fail(message: str, status: int) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Threads that wait for a dead server must not delay the exit.
    os._exit(status)
