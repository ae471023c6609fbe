"""Starts the training program as torchrun would, without torchrun."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "workloads" / "esm2"
# The program's own start, with a place to inject a fault.
START = """
import os, sys
sys.path.insert(0, sys.argv.pop(1))
import torch, train_esm2
torch.set_num_threads(1)
exec(sys.argv.pop(1))
status = train_esm2.main()
sys.stdout.flush()
os._exit(status)
"""
TINY = (
    *("--size", "2x32x4x64", "--unit-tokens", "256", "--max-tokens", "130", "--units", "4"),
    *("--warm-up", "10", "--rate", "1e-3", "--log-every", "1", "--device", "cpu"),
    *("--validation-units", "4", "--test-units", "4"),
)


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Run:
    """A training run with `world` processes; each first executes the Python code `fault`."""

    def __init__(self, world: int, options: list[Any], *, fault: str = "", log: Path) -> None:
        port = str(free_port())
        self.log = log
        # Appending keeps the lines of all processes whole and in order.
        with log.open("ab") as out:
            self.processes = [
                subprocess.Popen(
                    [sys.executable, "-c", START, str(FOLDER), fault, *map(str, options)],
                    env={
                        **os.environ,
                        **{"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"},
                        **{"MASTER_PORT": port, "WORLD_SIZE": str(world), "RANK": str(rank)},
                        "LOCAL_RANK": str(rank),
                    },
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
                for rank in range(world)
            ]

    def wait(self, timeout: float = 1800.0) -> list[int]:
        """The exit statuses; kills what is still running after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        try:
            return [each.wait(max(0.1, deadline - time.monotonic())) for each in self.processes]
        finally:
            for each in self.processes:
                each.kill()

    def wait_as_torchrun(self, grace: float) -> list[int]:
        """The same; once one fails, the others get SIGTERM, and SIGKILL `grace` seconds later.

        Otherwise one could wait long for another that ended before they met.
        https://docs.pytorch.org/docs/stable/elastic/run.html
        """
        while all(each.poll() in (None, 0) for each in self.processes):
            if not any(each.poll() is None for each in self.processes):
                break
            time.sleep(0.1)
        for each in self.processes:
            each.terminate()
        until = time.monotonic() + grace
        while time.monotonic() < until and any(each.poll() is None for each in self.processes):
            time.sleep(0.1)
        for each in self.processes:
            each.kill()
        return [each.wait() for each in self.processes]

    def signal(self, number: signal.Signals, rank: int) -> None:
        """Send a signal to process `rank`."""
        self.processes[rank].send_signal(number)

    def running(self) -> bool:
        """Whether no process has ended yet."""
        return all(each.poll() is None for each in self.processes)


def train(world: int, options: list[Any], log: Path, fault: str = "") -> list[int]:
    """Train to the end; return the exit statuses."""
    return Run(world, options, fault=fault, log=log).wait()


def losses(results: Path) -> dict[int, float]:
    """The loss of each step, from metrics.jsonl."""
    lines = [json.loads(line) for line in (results / "metrics.jsonl").read_text().splitlines()]
    return {int(line["step"]): float(line["loss"]) for line in lines if "loss" in line}


def validation(results: Path) -> dict[int, float]:
    """The accuracy of each validation."""
    lines = [json.loads(line) for line in (results / "metrics.jsonl").read_text().splitlines()]
    key = "validation_accuracy"
    return {int(line["step"]): float(line[key]) for line in lines if key in line}
