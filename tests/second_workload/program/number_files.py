"""The made-up workload's files: `5.number` after its fifth step."""

from __future__ import annotations

from pathlib import Path


class Rules:
    """The files of one run below `results`."""

    def __init__(self, results: Path, data: Path) -> None:
        self._results = results

    def tidy(self) -> None:
        """Do nothing: the run can resume from any files."""

    def newest_step(self) -> int:
        """Return the highest number."""
        return max((int(path.stem) for path in self._results.glob("*.number")), default=0)

    def finished(self, max_steps: int) -> bool:
        """Return whether the last number is there."""
        return self.newest_step() >= max_steps
