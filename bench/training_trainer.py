"""A stand-in trainer for `bench.training_faults`: PyTorch on the CPU, checkpoints like NeMo's.

Each step is one all-reduce over gloo. Every `--every` steps rank 0 writes a `-last` checkpoint and
removes the previous one, as PyTorch Lightning does. On rank 0's SIGTERM all save and exit with 0,
as NeMo's preemption callback does (nemo/utils/callbacks/preemption.py of NeMo 1.20).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import torch
import torch.distributed as dist

LAST = "*-last.ckpt"


def save(folder: Path, step: int) -> None:
    """Write the new last checkpoint, then remove the previous one; other ranks wait for rank 0."""
    if dist.get_rank() == 0:
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f"model-step={step}-last.ckpt"
        state = {"epoch": 0, "global_step": step, "state_dict": {"w": torch.zeros(1 << 18)}}
        torch.save(state, new)
        for old in folder.glob(LAST):
            if old != new:
                old.unlink()
    dist.barrier()


def newest(folder: Path) -> int:
    """Return the step of the only last checkpoint; refuse two, as NeMo does."""
    found = [*folder.glob(LAST)]
    if len(found) > 1:
        raise SystemExit(f"Multiple checkpoints {found} that matches {LAST}")
    return int(torch.load(found[0], mmap=True)["global_step"]) if found else 0


def main() -> int:
    """Train from the newest checkpoint to `--steps`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.05, help="seconds per step")
    parser.add_argument(
        "--late", type=float, default=0.0, help="seconds by which one rank is late at the end"
    )
    options = parser.parse_args()
    dist.init_process_group("gloo")
    stopping = [0]

    def note(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        stopping[0] = 1

    signal.signal(signal.SIGTERM, note)
    folder = options.results / "checkpoints"
    step = newest(folder)
    print(f"rank {dist.get_rank()} of {dist.get_world_size()} resumes from {step}", flush=True)
    while step < options.steps:
        time.sleep(options.seconds)
        step += 1
        stop = torch.tensor(stopping if dist.get_rank() == 0 else [0])
        dist.all_reduce(stop)
        if int(stop):
            save(folder, step)
            return 0
        if step % options.every == 0 or step == options.steps:
            save(folder, step)
    if os.environ.get("NAME", "").endswith("-1"):
        time.sleep(options.late)
    return 0


if __name__ == "__main__":
    sys.exit(main())
