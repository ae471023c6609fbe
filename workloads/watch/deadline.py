"""When the training has to end, and why.

`training.max_hours` sets one deadline; a Capacity Block's end is another (block_end.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from objects import Object, moment, started


@dataclass(frozen=True)
class Deadline:
    """At `at` the training is suspended; `why` says what set this deadline."""

    at: datetime
    why: str


def of_hours(max_hours: float, notes: Object, workers: Sequence[Object]) -> Deadline | None:
    """Return the end set by `max_hours`; None without a limit (0), or before hours count.

    They count from the first worker's start, less those of earlier starts, and keep running while
    a lost worker is being replaced: once set, the end is noted.
    """
    if not max_hours:
        return None
    why = f"training.max_hours is {max_hours:g}"
    if "ends_at" in notes:
        return Deadline(moment(notes["ends_at"]), why)
    starts = [each for pod in workers for each in started(pod)]
    if not starts:
        return None
    left = max(max_hours - float(notes.get("hours_used", 0)), 0)
    return Deadline(min(starts) + timedelta(hours=left), why)


def earliest(deadlines: Iterable[Deadline | None]) -> Deadline | None:
    """Return the one that comes first, if any."""
    return min((each for each in deadlines if each), key=lambda each: each.at, default=None)
