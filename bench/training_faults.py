"""Shows how the training ends when workers are killed, stopped, or late.

Needs PyTorch in its own environment. Each worker gets what training operator v1.7.0 gives to a pod:

    python3 -m venv V && V/bin/pip install torch==2.13.0 numpy
    python -m bench.training_faults --python V/bin/python [--pods 4] [--steps 200]

Workers are processes here: to end a container, all its processes get SIGKILL. An option makes
worker-0 the host of the rendezvous, because all have the same host name.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from bench.esm2_runs import free_port
from bionemo_eks.jobs.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[1]
TRAINER = ROOT / "bench" / "training_trainer.py"
JOB = "bench-worker"
# Seconds between checks: 5 in a cluster, so here an hour is 72 seconds.
BEAT, HOUR = 0.1, 72.0
_RESTARTS = WORKLOADS["esm1nv"].restarts


class Pods:
    """Worker pods: the start program, or only torchrun, with the operator's environment."""

    def __init__(
        self, options: argparse.Namespace, *trainer: str, only_torchrun: bool = False
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="training-"))
        self._options, self._only_torchrun, self._port = options, only_torchrun, free_port()
        self._trainer = trainer
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.ended: list[tuple[int, int]] = []

    def _environment(self, number: int) -> dict[str, str]:
        conf = f"join_timeout=7200,read_timeout=7200,is_host={str(number == 0).lower()}"
        workers = self._options.pods
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "0",
            "PYTHONPATH": str(ROOT / "workloads" / "esm1nv"),
            "OMP_NUM_THREADS": "1",
            "NAME": f"{JOB}-{number}",
            "PET_RDZV_ENDPOINT": f"127.0.0.1:{self._port}",
            "PET_RDZV_BACKEND": "c10d",
            "PET_RDZV_CONF": conf,
            "PET_NNODES": f"{workers}:{workers}",
            "PET_MAX_RESTARTS": "0",
            "PET_NPROC_PER_NODE": "1",
        }

    def start(self, *numbers: int) -> None:
        """Start workers, each in its own pod."""
        for number in numbers:
            results = str(self.folder / "results")
            torchrun = [
                *(self._options.python, "-m", "torch.distributed.run", str(TRAINER)),
                *("--results", results, "--steps", str(self._options.steps), *self._trainer),
            ]
            start = [
                *(self._options.python, str(ROOT / "workloads/training/start.py")),
                *("--state", str(self.folder / "state"), "--workers", str(self._options.pods)),
                *("--name", f"{JOB}-{number}", "--pod", uuid.uuid4().hex),
                *("--max-steps", str(self._options.steps)),
                *("--failures", str(_RESTARTS.in_a_row), "--rules", "nemo_files"),
                *("--results", results, "--data", str(self.folder / "data")),
                *("--data-lock", str(self.folder / "lock"), "--beat", str(BEAT), "--"),
            ]
            with (self.folder / f"{number}.log").open("ab") as log:
                self._running[number] = subprocess.Popen(
                    torchrun if self._only_torchrun else [*start, *torchrun],
                    env=self._environment(number),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def terminate(self, number: int) -> None:
        """Send SIGTERM, as the kubelet does first, and wait for the end."""
        self._running[number].send_signal(signal.SIGTERM)
        self.wait(number)

    def terminate_all(self) -> None:
        """Send SIGTERM to all."""
        for each in self._running.values():
            each.send_signal(signal.SIGTERM)

    def kill(self, number: int) -> None:
        """End a container: kill its first process and all others."""
        for pid in [self._running[number].pid, *_descendants(self._running[number].pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait(number)

    def wait(self, number: int, seconds: float = 900) -> int:
        """Wait for a worker's end; return its exit status."""
        status = self._running.pop(number).wait(seconds)
        self.ended.append((number, status))
        return status

    def wait_for_all(self) -> None:
        """Wait for the end of all workers."""
        for number in [*self._running]:
            self.wait(number)

    def has_ended(self) -> bool:
        """Whether a worker has ended without being stopped."""
        return any(each.poll() is not None for each in self._running.values())

    def log(self, number: int) -> str:
        """Return what a worker has printed."""
        path = self.folder / f"{number}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def step(self) -> int:
        """Return the step of the newest checkpoint, from its name."""
        found = (self.folder / "results").rglob("*-last.ckpt")
        return max((int(each.stem.split("=")[1].split("-")[0]) for each in found), default=0)

    def trains(self, rounds: int) -> None:
        """Wait until the ranks of worker-0 have started `rounds` times, and two seconds more."""
        self.until(lambda: self.log(0).count("resumes from") >= rounds)
        time.sleep(2)

    def until(self, holds: Callable[[], bool], seconds: float = 600) -> None:
        """Wait until `holds` is true."""
        for _ in range(int(seconds / 0.1)):
            if holds():
                return
            time.sleep(0.1)
        raise TimeoutError(f"timed out after {seconds:.0f} s: {self.folder}")

    def end(self) -> None:
        """Kill what is left, and remove its files."""
        for number in [*self._running]:
            self.kill(number)
        shutil.rmtree(self.folder)


def _descendants(pid: int) -> list[int]:
    below = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            below += [int(each) for each in path.read_text().split()]
    return [*below, *(each for child in below for each in _descendants(child))]


def operator(ended: list[tuple[int, int]], workers: int) -> str:
    """Return the job's state after these ends of containers, in order, in pods that stay.

    https://github.com/kubeflow/training-operator/blob/v1.7.0/pkg/controller.v1/pytorch/pytorchjob_controller.go
    (UpdateJobStatus) and pkg/core/job.go (PastBackoffLimit)
    """
    restarts = 0
    for _, status in ended:
        if status == 0:
            return "Succeeded"
        restarts += status not in (137, 143, -9)  # these pods are replaced, and count from 0
        if restarts >= _RESTARTS.per_worker * workers:
            return "Failed"
    return "Running"


def nothing(pods: Pods, everyone: range) -> None:
    """Nothing happens."""
    pods.start(*everyone)


def first_killed(pods: Pods, everyone: range) -> None:
    """worker-0 is killed and replaced."""
    pods.start(*everyone)
    pods.trains(1)
    pods.kill(0)
    pods.start(0)


def another_killed(pods: Pods, everyone: range) -> None:
    """Another worker is killed and replaced."""
    pods.start(*everyone)
    pods.trains(1)
    pods.kill(everyone[-1])
    pods.start(everyone[-1])


def sigterm_to_each(pods: Pods, everyone: range) -> None:
    """Each worker in turn gets SIGTERM and is replaced."""
    pods.start(*everyone)
    for number in everyone:
        pods.trains(number + 1)
        pods.terminate(number)
        pods.start(number)


def late_at_the_end(pods: Pods, everyone: range) -> None:
    """One rank is 60 s late at the end."""
    pods.start(*everyone)
    pods.until(lambda: "torchrun ended" in pods.log(0) or pods.has_ended())


def an_hour_late(pods: Pods, everyone: range) -> None:
    """The last worker starts an hour late."""
    pods.start(*everyone[:-1])
    time.sleep(HOUR)
    if pods.has_ended():
        raise AssertionError("a worker did not wait")
    pods.start(everyone[-1])


def all_at_once(pods: Pods, everyone: range) -> None:
    """All get SIGTERM at once, as when the job is suspended."""
    pods.start(*everyone)
    pods.trains(1)
    pods.terminate_all()


def first_without_start_program(pods: Pods, everyone: range) -> None:
    """worker-0 gets SIGTERM, with only torchrun, as in the 2024 blueprint."""
    pods.start(*everyone)
    pods.trains(1)
    pods.terminate(0)


CASES = (
    (nothing, ()),
    (first_killed, ()),
    (another_killed, ()),
    (sigterm_to_each, ()),
    (late_at_the_end, ("--late", "60")),
    (an_hour_late, ()),
    (all_at_once, ()),
    (first_without_start_program, ()),
)


def main() -> int:
    """Run the cases and print each result; return 1 if one has not ended as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="Python of an environment with PyTorch")
    parser.add_argument("--pods", type=int, default=4)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--cases", default="", help="only these cases, separated by commas")
    options = parser.parse_args()
    wrong = 0
    for case, trainer in CASES:
        if options.cases and case.__name__ not in options.cases.split(","):
            continue
        only_torchrun = case is first_without_start_program
        pods, began = Pods(options, *trainer, only_torchrun=only_torchrun), time.monotonic()
        try:
            case(pods, range(options.pods))
            pods.wait_for_all()
            rounds, step = pods.log(0).count("resumes from"), pods.step()
        finally:
            pods.end()
        state = operator(pods.ended, options.pods)
        wrong += state != ("Running" if case is all_at_once else "Succeeded")
        statuses = ", ".join(f"{number}: {status}" for number, status in pods.ended)
        print(f"{(case.__doc__ or '').strip()}\n  exit statuses in order: {statuses}")
        took = f"{time.monotonic() - began:.0f} s"
        print(f"  rounds: {rounds}; step {step} of {options.steps}; the operator: {state}; {took}")
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
