"""The hours that the training has run, kept next to its checkpoints: they outlast the cluster.

The first worker counts as long as its program runs, because its node costs money all that time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from shared import read_record, say

FILE = "hours.json"
# Seconds between two writes, which a kill can lose. Each write is exported to S3.
EVERY = 300.0


def hours_used(results: Path) -> float:
    """Return the hours that the training has run so far; 0 before its first start."""
    found = read_record(results / FILE).get("hours", 0)
    return float(found) if isinstance(found, int | float) else 0.0


class Clock:
    """Continues the count kept below `results`."""

    def __init__(self, results: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._path, self._now = results / FILE, now
        self._hours, self._since, self._kept = hours_used(results), now(), now()
        self._failed = ""

    def tick(self) -> None:
        """Count; write the hours down from time to time."""
        if self._now() - self._kept >= EVERY:
            self.keep()

    def keep(self) -> None:
        """Write the hours down. A failing write does not end the training."""
        now = self._now()
        hours = self._hours + (now - self._since) / 3600
        self._kept = now
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".partial")
            with draft.open("w", encoding="utf-8") as file:
                json.dump({"hours": round(hours, 4)}, file)
                file.flush()
                os.fsync(file.fileno())  # else a crash of the node could leave an empty file
            os.replace(draft, self._path)
        except OSError as error:
            if str(error) != self._failed:
                say(f"cannot write {self._path}: {error}")
                self._failed = str(error)
