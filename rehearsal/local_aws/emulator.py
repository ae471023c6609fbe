"""The server's process: the emulator with this project's adapters; `local_aws.server` runs it."""

from __future__ import annotations

import os
import threading

from ministack import app

from rehearsal.local_aws import calls, corrections, types


def register() -> None:
    """Add to the emulator what it lacks, and correct what differs from AWS."""
    for part in (types, *corrections.PARTS, *calls.PARTS):
        part.register()


def _end_with_the_rehearsal() -> None:
    """Wait for the end of standard input, which the parent process holds open while it lives."""
    # Not through sys.stdin, because its lock would block Python's own exit.
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_rehearsal, daemon=True).start()
    register()
    app.main()
