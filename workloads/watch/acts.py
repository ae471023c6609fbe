"""What the watch does to the PyTorchJob: suspend it, resume it, note why; nothing else.

On suspension the operator stops all workers: they save if they can, and the next start resumes from
the newest complete checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deadline import Deadline, earliest, of_hours
from job_states import Look, has_ended, job_state
from objects import Object, is_suspended, moment, written


@dataclass(frozen=True)
class Limits:
    """The settings' limits on the training.

    `max_hours`: in total, 0 for unlimited. `stall_minutes`: without a line of progress; then
    `on_stall`: only `tell`, `restart` once, or `suspend`.
    """

    max_hours: float = 0
    stall_minutes: int = 30
    on_stall: str = "tell"


@dataclass(frozen=True)
class Act:
    """A change of the PyTorchJob: its new notes, and `spec.runPolicy.suspend` unless None.

    `message`: the line for the log.
    """

    message: str
    notes: dict[str, Any]
    suspend: bool | None = None

    def patch(self, key: str) -> dict[str, Any]:
        """Return it as a merge patch, with the notes in the annotation `key`."""
        changed: dict[str, Any] = {"metadata": {"annotations": {key: json.dumps(self.notes)}}}
        if self.suspend is not None:
            changed["spec"] = {"runPolicy": {"suspend": self.suspend}}
        return changed


def act(look: Look, limits: Limits, more: Sequence[Deadline] = ()) -> Act | None:
    """Return what to do now, if anything; `more`: deadlines other than that of the hours."""
    training = look.training
    if training is None or has_ended(training):
        return None
    if is_suspended(training):
        return _start_again(look, training) or _paused(look, limits)
    hours = of_hours(limits.max_hours, look.notes, look.workers)
    deadline = earliest([hours, *more])
    if deadline and look.now >= deadline.at:
        return _stop(look, "deadline", deadline.why)
    if look.progress is False and limits.on_stall != "tell":
        return _stalled(look, training, limits)
    if hours and "ends_at" not in look.notes:
        ends = written(hours.at)
        return Act(f"the training ends at {ends}: {hours.why}", {**look.notes, "ends_at": ends})
    if "stopped_by" in look.notes:
        kept = _without(look.notes, "stopped_by", "stopped_why", "restarted_at")
        return Act("the training continues: its suspension was lifted", kept)
    if look.progress and "restarted_at" in look.notes:
        return Act(
            "the training has made progress since its restart", _without(look.notes, "restarted_at")
        )
    return None


def _stop(look: Look, by: str, why: str) -> Act:
    noted = {**look.notes, "stopped_by": by, "stopped_why": why}
    return Act(f"suspending the training: {why}", noted, suspend=True)


def _stalled(look: Look, training: Object, limits: Limits) -> Act:
    """Restart a stalled training, once; if it stalls again, running on would only cost money."""
    why = f"no progress logged for {limits.stall_minutes} minutes"
    if limits.on_stall == "suspend":
        return _stop(look, "stall", why)
    if "restarted_at" in look.notes:
        return _stop(look, "stall", f"{why}, nor since its restart at {look.notes['restarted_at']}")
    noted = {
        **look.notes,
        "restarted_at": written(look.now),
        "restarting": _generation(training) + 1,
    }
    return Act(f"restarting the training: {why}", noted, suspend=True)


def _start_again(look: Look, training: Object) -> Act | None:
    """Lift the suspension of a restart once all pods are gone, unless the job has been changed.

    Each change of the spec increments the generation, as the watch's own did; a running launcher
    starts the training itself.
    https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/
    """
    if look.notes.get("restarting") != _generation(training) or look.workers:
        return None
    if job_state(look.launcher, look.now) not in ("none", "succeeded"):
        return None
    if job_state(look.data_job, look.now) != "succeeded":
        return None
    message = "starting the training again from its newest checkpoint"
    return Act(message, _without(look.notes, "restarting"), suspend=False)


def _paused(look: Look, limits: Limits) -> Act | None:
    """Stop the clock while the training is suspended for any reason but the end of its hours."""
    if not limits.max_hours or "ends_at" not in look.notes or "restarting" in look.notes:
        return None
    if look.notes.get("stopped_by") == "deadline":
        return None
    left = max((moment(look.notes["ends_at"]) - look.now).total_seconds() / 3600, 0)
    used = round(max(limits.max_hours - left, 0), 4)
    message = f"the training is suspended, with {left:.1f} of {limits.max_hours:g} hours left"
    return Act(message, {**_without(look.notes, "ends_at"), "hours_used": used})


def _generation(training: Object) -> int:
    return int(training["metadata"].get("generation", 0))


def _without(notes: Object, *keys: str) -> Object:
    return {name: value for name, value in notes.items() if name not in keys}
