"""Asks, before a GPU node is there, whether a training is at its end already.

It writes two patches of the PyTorchJob for kubectl: `spec.json` lifts the suspension, unless the
training is finished; `status.json` then says so where everybody looks, and is empty otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from rounds import Rules, finished_text
from shared import say


def patches(finished: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the patches of spec and status; `finished` says why it is, empty if it is not."""
    if not finished:
        return {"spec": {"runPolicy": {"suspend": False}}}, {}
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    # Of a job that has ended the operator makes no pods, and it stays suspended as well.
    condition = {
        "type": "Succeeded",
        "status": "True",
        "reason": "FinishedAlready",
        "message": finished,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }
    return {}, {"status": {"conditions": [condition], "completionTime": now}}


def main() -> int:
    """Write the patches; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", required=True)
    for option in ("--results", "--data", "--patches"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--max-steps", type=int, required=True)
    options = parser.parse_args()
    module = importlib.import_module(options.rules)
    rules = cast(Rules, module.Rules(options.results, options.data))
    try:
        step = rules.newest_step()
        done = rules.finished(options.max_steps)
        finished = finished_text(step, options.max_steps) if done else ""
        for name, patch in zip(("spec", "status"), patches(finished), strict=True):
            (options.patches / f"{name}.json").write_text(json.dumps(patch), encoding="utf-8")
    except OSError as error:
        print(f"error: {error.filename or 'file system'}: {error.strerror}", file=sys.stderr)
        return 1
    if finished:
        say(f"{finished}; nothing is started")
    else:
        say(f"the newest checkpoint is of step {step:,}" if step else "there is no checkpoint yet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
