"""Checks that a complete data set is on the file system, for a training without a data Job.

    python3 data_there.py --data /fsx/processed --patience 600

FSx lists the bucket's objects on a new file system gradually, so the program waits for a while.
Exit status: 0 when all files of the manifest are there, 2 when they are not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Written last by the data Job: uniref50/publish.py.
MANIFEST = "_SUCCESS"
SPLITS = ("train", "val", "test")
_LOOK = 10.0  # seconds between checks


def lacking(folder: Path) -> str:
    """Return what a data set in `folder` lacks; empty if it is complete."""
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"no data set: {MANIFEST} is missing"
    except (ValueError, OSError) as error:
        return f"{MANIFEST} cannot be read: {error}"
    # BioNeMo's own preparation leaves a manifest that lists no files.
    files = manifest.get("files", []) if isinstance(manifest, dict) else []
    wrong = [str(each["path"]) for each in files if not _is_there(folder, each)]
    if wrong:
        return f"{len(wrong)} of {len(files)} files are missing or incomplete, such as {wrong[0]}"
    empty = [each for each in SPLITS if not any((folder / each).glob("*.csv"))]
    return f"no CSV files in {', '.join(empty)}" if empty else ""


def _is_there(folder: Path, listed: Any) -> bool:
    path = folder / str(listed["path"])
    return path.is_file() and path.stat().st_size == listed["bytes"]


def main(given: Sequence[str] | None = None) -> int:
    """Check until the data set is complete or time is up; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--patience", type=float, required=True, help="in seconds")
    options = parser.parse_args(given)
    until = time.monotonic() + options.patience
    while why := lacking(options.data):
        print(f"{options.data}: {why}", flush=True)
        if time.monotonic() > until:
            print("Put a data set there, or set dataset.enabled to true.", file=sys.stderr)
            return 2
        time.sleep(_LOOK)
    print(f"{options.data}: the data set is complete; nothing to do.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
