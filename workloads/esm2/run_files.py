"""A run's files below its results, and when they are complete; needs no PyTorch."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from whole import read_whole

CHECKPOINTS, MODEL, METRICS = "checkpoints", "model", "metrics.jsonl"
# Each folder's list of its files.
CHECKPOINT_LIST, MODEL_LIST = "checkpoint.json", "export.json"
_NAME = re.compile(r"step-(\d{8})")


def checkpoint_folder(root: Path, step: int) -> Path:
    """The folder of `step`'s checkpoint below `root`."""
    return root / f"step-{step:08d}"


def whole_checkpoints(root: Path) -> dict[int, dict[str, Any]]:
    """Steps of the complete checkpoints in `root`, with their facts, in order."""
    found = {}
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        match = _NAME.fullmatch(path.name)
        facts = read_whole(path, CHECKPOINT_LIST) if match else None
        if match and facts is not None:
            found[int(match[1])] = facts
    return found


def set_aside(root: Path) -> list[str]:
    """Rename incomplete checkpoints; return their former names."""
    whole = {checkpoint_folder(root, step).name for step in whole_checkpoints(root)}
    names = [
        path.name
        for path in sorted(root.iterdir())
        if _NAME.fullmatch(path.name) and path.name not in whole
    ]
    for name in names:
        os.rename(root / name, root / f"incomplete-{name}-{time.time_ns()}")
    return names


class Rules:
    """What the start program (workloads/training) asks about a run's files."""

    def __init__(self, results: Path, data: Path) -> None:
        self._results = results

    def tidy(self) -> None:
        """Do nothing: the training itself sets incomplete checkpoints aside when it starts."""

    def newest_step(self) -> int:
        """Return the step of the newest complete checkpoint; 0 without one."""
        return max(whole_checkpoints(self._results / CHECKPOINTS), default=0)

    def finished(self, max_steps: int) -> bool:
        """Return whether the last step is done, and its model completely exported."""
        step = self.newest_step()
        model = read_whole(self._results / MODEL, MODEL_LIST)
        return step >= max_steps and model is not None and model.get("step") == step
