"""Trains on this machine as the cluster would: runs worker pods, kills one, uses the model."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.places import PROGRAMS
from bionemo_eks.jobs.workloads import WORKLOADS
from ops.project import TRAINING_PYTHON as PYTHON
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.machine import processes
from rehearsal.machine.environment import ROOT
from rehearsal.pods.container import PodError
from rehearsal.pods.proteins import sequences
from rehearsal.pods.worker_pods import WorkerPods, worker_processes

# A model and a batch that two cores train in a minute; -c overrides each.
CONTEXT = (
    *("training.workload=esm2", "gpu.instance_type=g6.xlarge", "gpu.nodes=2"),
    *("training.size=4x128x8x512", "training.max_steps=400", "training.rate=2e-3"),
    *("training.warm_up=50", "training.units=2", "training.unit_tokens=1024"),
    *("training.max_tokens=258", "training.save_every=150", "training.validate_every=100"),
    *("training.log_every=25", "training.validation_units=32", "training.test_units=32"),
    *("training.hang_after=300", "dataset.num_csv_files=4"),
)
# Lengths of the shortest and the longest sequence.
LENGTHS = (50, 150)
# This machine has no GPUs.
_LAST = ("--device", "cpu")
_PATIENCE = 1800.0  # seconds
_EMBEDDED = 10
_ACCURACY, _LEARNED = "test_accuracy", 0.4
_STEP = re.compile(r"^step ([\d,]+)/")


def refuse_without_pytorch() -> None:
    """Raise PodError if the environment for the training is missing, or this is not Linux."""
    if not PYTHON.exists():
        raise PodError(
            f"{PYTHON.relative_to(ROOT)} does not exist; the training runs with it.\n"
            "  Create it first: make setup-training"
        )
    if sys.platform != "linux":
        raise PodError("--train needs Linux, because the training's start program does.")


class _Kill:
    """Kills the last worker once, in the middle of the training."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._steps, self._say = settings.training.max_steps, say
        self.due = self.done = False

    def read(self, line: str) -> None:
        # Halfway is between two checkpoints, so steps are lost and repeated.
        found = _STEP.match(line)
        if found and int(found[1].replace(",", "")) > self._steps // 2:
            self.due = True

    def carry_out(self, pods: WorkerPods) -> None:
        if self.due and not self.done:
            self.done = True
            self._say(f"Kill: SIGKILL to all processes of {pods.pods[-1].name}; restarting it")
            pods.kill(len(pods.pods) - 1)


def train(
    ledger: Ledger, settings: Settings, folder: Path, logs: Path, say: Callable[[str], None]
) -> Path:
    """Run the ledger's training to its end, with one worker killed; return its results folder.

    `folder`: that of the data Job's pod. `logs` gets all of the workers' output, `say` their
    progress. Raises PodError when the training fails.
    """
    kill = _Kill(settings, say)
    logs.mkdir(parents=True, exist_ok=True)

    def read(number: int, line: str) -> None:
        with (logs / f"worker-{number}.log").open("a") as log:
            log.write(f"{line}\n")
        kill.read(line)
        if line.startswith("start: ") or settings.workload.progress.search(line):
            say(f"worker-{number}: {line}")

    began = time.monotonic()
    with worker_processes(ledger, folder, str(PYTHON), _LAST, read) as pods:
        while not kill.done and all(pod.status() is None for pod in pods.pods):
            kill.carry_out(pods)
            time.sleep(0.05)
        pods.wait(_PATIENCE - (time.monotonic() - began))
    if not kill.done:
        say("No worker was killed: the training ended first.")
    results = settings.workload.program.results(settings).removeprefix("/fsx/")
    return folder / "fsx" / results


def demand_learning(
    settings: Settings, results: Path, say: Callable[[str], None], made_up: bool = True
) -> None:
    """Print how much the exported model has learned.

    Raises PodError if that is too little for the usual settings and `made_up` sequences, which a
    model can learn in a minute.
    """
    lines = (results / "metrics.jsonl").read_text().splitlines()
    accuracy = next(each for line in reversed(lines) if (each := json.loads(line).get(_ACCURACY)))
    say(f"Accuracy at <mask> on the test proteins: {accuracy:.3f}; by chance: 0.05.")
    usual = settings_of(ROOT, WORKLOADS, CONTEXT).training
    if made_up and settings.training == usual and accuracy < _LEARNED:
        raise PodError(f"The model has learned too little: {accuracy:.3f} is below {_LEARNED}.")


def use(results: Path, out: Path, say: Callable[[str], None]) -> None:
    """Embed some sequences with the exported model and draw the run's curve, all in `out`.

    Raises PodError when a program fails.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    fasta = out / "some.fasta"
    chosen = enumerate(sequences(_EMBEDDED, *LENGTHS), 1)
    fasta.write_text("".join(f">protein-{number}\n{text}\n" for number, text in chosen))
    shutil.copytree(results / "model", out / "model")
    shutil.copy(results / "metrics.jsonl", out)
    metrics, curve = out / "metrics.jsonl", out / "curve.png"
    model = str(out / "model")
    _run("embed.py", ["--model", model, "--fasta", str(fasta), "--out", str(out), *_LAST], say)
    _run("curve.py", ["--metrics", str(metrics), "--out", str(curve)], say)
    fasta.unlink()


def _run(program: str, arguments: list[str], say: Callable[[str], None]) -> None:
    lines: list[str] = []

    def read(line: str) -> None:
        lines.append(line)
        say(line)

    command = [str(PYTHON), str(PROGRAMS / "esm2" / program), *arguments]
    environment = {"OMP_NUM_THREADS": "1", "MPLCONFIGDIR": str(ROOT / "build" / "matplotlib")}
    if processes.run(command, environment=environment, on_line=read):
        raise PodError("\n".join([f"{program} failed:", *lines[-5:]]))
