"""Checks, before any GPU node starts, whether the training has finished or used up its hours.

It writes two patches of the PyTorchJob for kubectl: `spec.json` resumes the PyTorchJob, unless the
training is finished or has no hours left; `status.json` marks a finished one as succeeded, and is
empty otherwise. `spec.json` also replaces the previous run's notes, an annotation, with the hours
used so far, for the watch.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hours import hours_used
from rounds import Rules, finished_text, rules_of
from shared import say

# Hours from a start to the first step: with less left, a start would only cost money.
START = 0.1


def starts(notes: str, hours: float) -> dict[str, Any]:
    """Return the patch that starts a training that has run for `hours`; `notes`: annotation key."""
    return {**_noted(notes, {"hours_used": hours}), "spec": {"runPolicy": {"suspend": False}}}


def out_of_hours(notes: str, hours: float, max_hours: float) -> dict[str, Any]:
    """Return the patch that says why the training is not started."""
    why = f"it has run for {hours:.1f} hours, and training.max_hours is {max_hours:g}"
    return _noted(notes, {"hours_used": hours, "stopped_by": "deadline", "stopped_why": why})


def _noted(notes: str, record: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"annotations": {notes: json.dumps(record)}}}


def finished(step: int, max_steps: int) -> dict[str, Any]:
    """Return the status patch for a training whose newest checkpoint is the last."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    # The operator creates no pods for a job that has ended; and it stays suspended anyway.
    condition = {
        "type": "Succeeded",
        "status": "True",
        "reason": "FinishedAlready",
        "message": finished_text(step, max_steps),
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }
    return {"status": {"conditions": [condition], "completionTime": now}}


def main() -> int:
    """Write the patches; return the exit status."""
    options = parser().parse_args()
    rules = rules_of(options)
    try:
        message, spec, status = answer(rules, options)
        for name, patch in (("spec", spec), ("status", status)):
            (options.patches / f"{name}.json").write_text(json.dumps(patch), encoding="utf-8")
    except OSError as error:
        print(f"error: {error.filename or 'file system'}: {error.strerror}", file=sys.stderr)
        return 1
    say(message)
    return 0


def answer(rules: Rules, options: argparse.Namespace) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the message, and the patches of spec and status."""
    step, hours = rules.newest_step(), hours_used(options.results)
    if rules.finished(options.max_steps):
        message = f"{finished_text(step, options.max_steps)}; nothing to start"
        return message, {}, finished(step, options.max_steps)
    if options.max_hours and hours > options.max_hours - START:
        used = f"the training has run for {hours:.1f} hours; training.max_hours is"
        patch = out_of_hours(options.notes, hours, options.max_hours)
        return f"{used} {options.max_hours:g}; nothing to start", patch, {}
    message = f"the newest checkpoint is of step {step:,}" if step else "no checkpoint yet"
    return message, starts(options.notes, hours), {}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(description=__doc__)
    add = found.add_argument
    add("--rules", required=True, help="module that knows the workload's files")
    for option in ("--results", "--data", "--patches"):
        add(option, type=Path, required=True)
    add("--max-steps", type=int, required=True, help="the last step")
    add("--max-hours", type=float, required=True, help="hours it may run in total; 0: unlimited")
    add("--notes", required=True, help="the PyTorchJob's annotation for notes on a run")
    return found


if __name__ == "__main__":
    sys.exit(main())
