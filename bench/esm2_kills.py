"""Kills ESM-2 training runs at random moments, and checks how they resume.

    .venv-training/bin/python -m bench.esm2_kills [--kills 30] [--seed 0]

Each kill is a SIGKILL or a SIGTERM of one of two processes, after a random time or while a
checkpoint is being written. The losses of a run that is killed repeatedly must be bit for bit
those of one that is not; with another number of processes after a kill, they must agree to 1e-5
over the next 50 steps. No process may exit with 0 before the end.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.esm2_data import prepare, proteins
from bench.esm2_runs import TINY, Run, losses, train

SAVE_EVERY, NEAR, AFTERWARDS = 9, 1e-5, 50
# Most steps between a start and its kill: two seconds of training.
STEPS_A_KILL = 20
# Seconds that the other processes get when one has been killed; torchrun gives 30.
GRACE = 15.0


def given(data: Path, results: Path, kills: int) -> list[Any]:
    """The options of all runs, with enough steps to compare after `kills` kills."""
    return [
        *("--data", data, "--results", results, *TINY),
        *("--steps", STEPS_A_KILL * kills + 2 * AFTERWARDS),
        *("--save-every", SAVE_EVERY, "--validate-every", 10**6),
    ]


def saving(results: Path) -> bool:
    """Whether a checkpoint is being written."""
    return any((results / ".unfinished").glob("step-*"))


def kill(run: Run, results: Path, chance: np.random.Generator) -> str:
    """Kill one process of `run` at a random moment; return a description."""
    number = signal.SIGKILL if chance.random() < 0.5 else signal.SIGTERM
    during = chance.random() < 0.4
    wait, rank = float(chance.uniform(0, 2)), int(chance.integers(2))
    early = chance.random() < 0.2  # before the first step
    while run.running() and not early and "\nstep " not in run.log.read_text():
        time.sleep(0.05)
    during = during and not early
    deadline = time.monotonic() + (wait if not during else 60)
    while run.running() and time.monotonic() < deadline and not (during and saving(results)):
        time.sleep(0.001)
    run.signal(number, rank)
    return f"{number.name} of {rank}{' during a save' if during and saving(results) else ''}"


def killed_repeatedly(data: Path, folder: Path, kills: int, seed: int) -> list[float]:
    """Train with `kills` kills; return the seconds of each start until its end."""
    chance = np.random.default_rng(seed)
    seconds = []
    log, done = folder / "log", 0
    while done < kills:
        log.unlink(missing_ok=True)
        began = time.monotonic()
        run = Run(2, given(data, folder, kills), log=log)
        what = kill(run, folder, chance)
        statuses = run.wait_as_torchrun(GRACE)
        text = log.read_text()
        if statuses == [0, 0]:  # it ended before the kill: start over
            for name in ("checkpoints", "model", "metrics.jsonl"):
                path = folder / name
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            continue
        if 0 in statuses or "Traceback" in text:
            raise SystemExit(f"after {what}: exit statuses {statuses}\n{text}")
        done += 1
        seconds.append(time.monotonic() - began)
        steps = [line for line in text.splitlines() if line.startswith("going on")]
        print(f"{done}: {what}: {statuses}; {steps[0] if steps else 'from the start'}", flush=True)
    return seconds


def train_to_the_end(processes: int, data: Path, folder: Path, kills: int) -> None:
    """Train or resume undisturbed; AssertionError with the log if that fails."""
    log = folder / "log"
    assert train(processes, given(data, folder, kills), log) == [0] * processes, log.read_text()


def main() -> int:
    """Print the results; return 1 if something differs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        data = prepare(root / "data", proteins(2000, 100), val=120, test=80)
        whole, killed, other = root / "whole", root / "killed", root / "other"
        for folder in (whole, killed):
            folder.mkdir()
        train_to_the_end(2, data, whole, options.kills)
        seconds = killed_repeatedly(data, killed, options.kills, options.seed)
        newest = max((killed / "checkpoints").glob("step-*"), default=None)
        shutil.copytree(killed, other)
        train_to_the_end(2, data, killed, options.kills)
        wanted = losses(whole)
        same = losses(killed) == wanted
        print(f"{options.kills} kills, same processes: {'bit for bit' if same else 'DIFFERS'}")
        print(f"from a start to its end: median {statistics.median(seconds):.1f} s")
        train_to_the_end(1, data, other, options.kills)
        first = int(newest.name.split("-")[1]) if newest else 0
        found = losses(other)
        off = max(
            abs(wanted[step] - found[step]) for step in range(first + 1, first + AFTERWARDS + 1)
        )
        print(
            f"resumed with one process after step {first}: off by {off:.1e} over {AFTERWARDS} steps"
        )
    return int(not same or off > NEAR)


if __name__ == "__main__":
    raise SystemExit(main())
