"""Stands in for torchrun and for a trainer that writes checkpoints as NeMo does, without PyTorch.

`torchrun.py FOLDER WORKERS MAX_STEPS` starts one rank: this program, with the rank's number added.
Ranks go through their steps together, with files of the round: a lone one waits forever, as in a
collective. Rank 0 writes a checkpoint every five steps; on SIGTERM it makes all save and exit with
0, as NeMo's preemption callback does. What happens to a rank is in FOLDER/faults.json.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from tests.workloads.esm1nv.checkpoints import save

EVERY, PAUSE = 5, 0.02


def main() -> int:
    """Act as torchrun: start the rank; return 0 if it exits with 0, else 1."""
    number = os.environ["NAME"].rpartition("-")[2]
    return min(1, abs(subprocess.call([sys.executable, __file__, *sys.argv[1:], number])))


class Rank:
    """One rank of a round."""

    def __init__(self, folder: Path, workers: int, number: int) -> None:
        self.number, self._workers = number, workers
        self.results = folder / "results" / "checkpoints"
        self._together = folder / "together" / os.environ["PET_RDZV_ID"]
        self._together.mkdir(parents=True, exist_ok=True)
        self.stopping = False
        faults = folder / "faults.json"
        found = json.loads(faults.read_text()) if faults.exists() else {}
        self.faults = found.get(str(number), {})

    def meet(self, step: int) -> bool:
        """Wait until all have reached `step`; return whether rank 0 has been told to stop."""
        text = "stop" if self.stopping and self.number == 0 else ""
        draft = self._together / f"{self.number}.partial"
        draft.write_text(text)
        draft.rename(self._together / f"{self.number}.{step}")
        for each in range(self._workers):
            while not (self._together / f"{each}.{step}").exists():
                time.sleep(PAUSE / 4)
        return (self._together / f"0.{step}").read_text() == "stop"

    def save(self, step: int) -> None:
        """Write the new last checkpoint, then remove the previous one."""
        if self.number == 0 and self.faults.get("saves", True):
            new = save(self.results / f"model--step={step}-last.ckpt", step)
            for path in self.results.glob("*-last.ckpt"):
                if path != new:
                    path.unlink()

    def newest(self) -> int:
        """Resume from the only last checkpoint, as NeMo does."""
        found = [*self.results.glob("*-last.ckpt")]
        if len(found) > 1:
            raise SystemExit("Multiple checkpoints that match *last.ckpt")
        return int(found[0].stem.split("=")[1].split("-")[0]) if found else 0


def train(folder: Path, workers: int, max_steps: int, number: int) -> int:
    """Run one rank."""
    rank = Rank(folder, workers, number)

    def note(signal_number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        rank.stopping = True

    signal.signal(signal.SIGTERM, note)
    step = rank.newest()
    print(f"rank {number} resumes from {step}", flush=True)
    while step < max_steps:
        time.sleep(PAUSE)
        step += 1
        if step == rank.faults.get("fails_at"):
            return 1
        if rank.meet(step):
            rank.save(step)
            return 0
        if step % EVERY == 0:
            rank.save(step)
    rank.save(max_steps)
    time.sleep(rank.faults.get("late", 0))
    return 0


if __name__ == "__main__":
    given = sys.argv[1:]
    if len(given) == 4:
        sys.exit(train(Path(given[0]), *map(int, given[1:])))
    sys.exit(main())
