"""Worker pods as processes: the program under test, with short times."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ranks import children

ROOT = Path(__file__).resolve().parents[3]
PROGRAM_FOLDER = ROOT / "workloads" / "training"
BEAT = 0.05


class Pods:
    """Workers `w-0`, `w-1` and so on, of one training run below `folder`."""

    def __init__(self, folder: Path, workers: int, max_steps: int, *options: str) -> None:
        self.folder, self.max_steps = folder, max_steps
        self._workers, self._options = workers, options
        self._running: dict[int, subprocess.Popen[str]] = {}
        self._uids: dict[int, str] = {}

    def start(self, *numbers: int) -> None:
        """Start workers, each in its own pod."""
        for each in numbers:
            self._uids[each] = uuid.uuid4().hex
            self._start(each)

    def start_container_again(self, number: int) -> None:
        """Restart a worker's program in the same pod."""
        self._start(number)

    def _start(self, number: int) -> None:
        name = f"w-{number}"
        torchrun = [sys.executable, str(Path(__file__).with_name("torchrun.py"))]
        command = [
            *(sys.executable, str(PROGRAM_FOLDER / "start.py"), "--state", str(self.folder / "s")),
            *("--workers", str(self._workers), "--name", name, "--pod", self._uids[number]),
            *("--max-steps", str(self.max_steps), "--failures", "3", "--rules", "nemo_files"),
            *("--results", str(self.folder / "results"), "--data", str(self.folder / "data")),
            *("--data-lock", str(self.folder / "lock"), "--beat", str(BEAT), "--grace", "5"),
            *self._options,
            *("--", *torchrun, str(self.folder), str(self._workers), str(self.max_steps)),
        ]
        with (self.folder / f"{name}.log").open("a") as log:
            self._running[number] = subprocess.Popen(
                command,
                env=_environment(name),
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def terminate(self, number: int) -> None:
        """Send SIGTERM, as the kubelet does first."""
        self._running[number].send_signal(signal.SIGTERM)

    def kill(self, number: int) -> None:
        """Kill a worker with all of its processes, as when a container or a node ends."""
        process = self._running[number]
        everything = [process.pid, *_descendants(process.pid)]
        for pid in everything:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def status(self, number: int, seconds: float = 300) -> int:
        """Wait for a worker's end; return its exit status."""
        return self._running[number].wait(seconds)

    def statuses(self, seconds: float = 300) -> dict[int, int]:
        """Wait for all to end; return their exit statuses."""
        return {number: self.status(number, seconds) for number in self._running}

    def ended(self) -> list[int]:
        """Return the workers that have ended."""
        return [number for number, each in self._running.items() if each.poll() is not None]

    def has_succeeded(self) -> bool:
        """Whether a worker has succeeded."""
        return any(each.poll() == 0 for each in self._running.values())

    def log(self, number: int) -> str:
        """Return what a worker has printed, over all of its starts."""
        return (self.folder / f"w-{number}.log").read_text()

    def steps(self) -> int:
        """Return the step in the newest checkpoint's name."""
        names = [*(self.folder / "results").rglob("*-last.ckpt")]
        return max((int(each.stem.split("=")[1].split("-")[0]) for each in names), default=0)

    def end(self) -> None:
        """Kill what is left."""
        for number in [*self._running]:
            self.kill(number)


def _environment(name: str) -> dict[str, str]:
    paths = [ROOT, ROOT / "workloads" / "esm1nv"]
    return {**os.environ, "NAME": name, "PYTHONPATH": os.pathsep.join(map(str, paths))}


def _descendants(pid: int) -> Sequence[int]:
    below = children(pid)
    return [*below, *(each for child in below for each in _descendants(child))]


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds; fail if it does not in time."""
    for _ in range(int(seconds / 0.02)):  # in steps, so that a machine that pauses is not a failure
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@contextmanager
def pods(folder: Path, workers: int, max_steps: int, *options: str) -> Iterator[Pods]:
    """Yield workers that have not been started; kill what is left of them at the end."""
    (folder / "data").mkdir()
    found = Pods(folder, workers, max_steps, *options)
    try:
        yield found
    finally:
        found.end()
