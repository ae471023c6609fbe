"""What the watch does to the PyTorchJob: it suspends it, notes why, and no more.

Suspended, the operator tells all workers to end: they save, and go on from there at the next start.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deadline import Deadline, earliest, of_hours
from job_states import Look, has_ended
from objects import is_suspended, written


@dataclass(frozen=True)
class Limits:
    """What the settings allow a training. `max_hours`: in all, 0 any number."""

    max_hours: float = 0


@dataclass(frozen=True)
class Act:
    """A change of the PyTorchJob: its suspension, unless None, and what is noted beside."""

    said: str
    notes: dict[str, Any]
    suspend: bool | None = None

    def patch(self, key: str) -> dict[str, Any]:
        """Return it as a merge patch, the notes under the annotation `key`."""
        changed: dict[str, Any] = {"metadata": {"annotations": {key: json.dumps(self.notes)}}}
        if self.suspend is not None:
            changed["spec"] = {"runPolicy": {"suspend": self.suspend}}
        return changed


def act(look: Look, limits: Limits, more: Sequence[Deadline] = ()) -> Act | None:
    """Return what is to be done now, if anything; `more` deadlines than that of the hours."""
    training = look.training
    if training is None or has_ended(training) or is_suspended(training):
        return None
    hours = of_hours(limits.max_hours, look.notes, look.workers)
    deadline = earliest([hours, *more])
    if deadline and look.now >= deadline.at:
        noted = {"stopped_by": "deadline", "stopped_why": deadline.why}
        return Act(f"suspends the training: {deadline.why}", {**look.notes, **noted}, suspend=True)
    if hours and "ends_at" not in look.notes:
        ends = written(hours.at)
        return Act(f"the training ends at {ends}: {hours.why}", {**look.notes, "ends_at": ends})
    return None
