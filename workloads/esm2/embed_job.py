"""Embed a FASTA file that arrives from S3, and have the result exported to S3."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

# For the modules in common/; in a pod they are next to this file.
sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

import embed
from failures import EXIT_AGAIN, EXIT_DONE
from whole import publish

# S3's events reach the file system within a minute or so, later in a burst:
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/autoimport-data-repo-dra.html
PATIENCE = 900.0  # seconds


def arrived(path: Path, size: int, patience: float) -> bool:
    """Wait up to `patience` seconds for `path` to have `size` bytes; return whether it has."""
    until = time.monotonic() + patience
    while True:
        try:
            if path.stat().st_size == size:
                return True
        except FileNotFoundError:
            pass
        if time.monotonic() > until:
            return False
        time.sleep(1)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status, which is that of embed.py."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="All other options are those of embed.py."
    )
    add = parser.add_argument
    add("--fasta", type=Path, required=True, metavar="FILE", help="the sequences")
    add("--bytes", type=int, required=True, metavar="N", help="its size when complete")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="result folder; exists only when complete",
    )
    add("--scratch", type=Path, required=True, metavar="DIR", help="folder on the same file system")
    add("--list", required=True, metavar="NAME", help="file for names and sizes of DIR's files")
    add("--patience", type=float, default=PATIENCE, metavar="SECONDS", help="(%(default)s)")
    options, others = parser.parse_known_args(arguments)
    print(f"waiting for {options.fasta}, {options.bytes:,} bytes", flush=True)
    if not arrived(options.fasta, options.bytes, options.patience):
        print(
            f"error: {options.fasta} has not arrived from S3 with its {options.bytes:,} bytes "
            f"within {options.patience:.0f} s",
            file=sys.stderr,
        )
        return EXIT_AGAIN
    draft = options.scratch / options.out.name
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    status = embed.main(["--fasta", str(options.fasta), "--out", str(draft), *others])
    if status == EXIT_DONE:
        publish(draft, options.out, options.list, {"fasta bytes": options.bytes})
        print(f"{options.out}: complete", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
