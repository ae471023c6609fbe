"""Waits for files that another service delivers, such as FSx from S3."""

from __future__ import annotations

import time
from pathlib import Path

from problems import SourceError
from spans import span

# FSx lists a bucket's objects once it has created the link, thousands per second:
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/import-data-repo-task-dra.html
WAIT_SECONDS, LOOK_SECONDS = 900.0, 5.0


def await_files(paths: list[Path]) -> None:
    """Wait until all of `paths` exist.

    Raises:
        SourceError: one still does not after WAIT_SECONDS.
    """
    until = time.monotonic() + WAIT_SECONDS
    for path in paths:
        if not path.exists():
            print(f"{path}: does not exist yet, waiting up to {span(WAIT_SECONDS)}", flush=True)
        while not path.exists():
            if time.monotonic() > until:
                raise SourceError(
                    f"{path}: still does not exist after {span(WAIT_SECONDS)}. Check that the "
                    "settings name it correctly and that the object is in S3"
                )
            time.sleep(LOOK_SECONDS)
