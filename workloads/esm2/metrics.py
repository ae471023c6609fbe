"""The training's output every few steps: a readable line and a JSON line."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import torch

from peaks import PEAKS
from spans import span
from whole import write_synced


def peak_rate(device: torch.device) -> float | None:
    """Peak operations per second of `device`; None if unknown."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((rate for part, rate in PEAKS.items() if part in name), None)


def memory_gb(device: torch.device) -> float:
    """Peak memory of this process in GB: the GPU's, or its own."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


class MetricsFile:
    """metrics.jsonl: one JSON object per line, each with `step`.

    Args:
        path: the file; None for a process that writes none.
        step: where the training starts: lines of later steps, from a run that was interrupted
            after its last checkpoint, are removed.
    """

    def __init__(self, path: Path | None, step: int) -> None:
        self._path = path
        if path is None:
            return
        lines = []
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                if json.loads(line)["step"] <= step:
                    lines.append(line)
            except (ValueError, KeyError, TypeError):  # cut off in the middle
                continue
        write_synced(path, "".join(f"{line}\n" for line in lines).encode())

    def write(self, step: int, **values: Any) -> None:
        """Append a line."""
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"step": step, **values}) + "\n")


class Speed:
    """Tokens per second since the last line, and the time left.

    Args:
        steps: in total.
        world: processes.
        flops_per_token: to train on a token.
        peak: operations per second of a device; None if unknown.
    """

    def __init__(self, steps: int, world: int, flops_per_token: float, peak: float | None) -> None:
        self._steps, self._world = steps, world
        self._flops, self._peak = flops_per_token, peak
        self.restart()

    def restart(self) -> None:
        """Restart the count, to exclude validation."""
        self._began, self._tokens, self._done = time.perf_counter(), 0.0, 0

    def add(self, tokens: float) -> None:
        """Add a step, with its tokens on all processes."""
        self._tokens += tokens
        self._done += 1

    def values(self, step: int) -> dict[str, float]:
        """For the line of step `step`, which starts the next count."""
        seconds = time.perf_counter() - self._began
        rate = self._tokens / seconds / self._world
        values = {
            "tokens_per_second_per_gpu": round(rate, 1),
            "seconds_left": round((self._steps - step) * seconds / max(1, self._done), 1),
        }
        if self._peak:
            values["mfu"] = round(rate * self._flops / self._peak, 4)
        self.restart()
        return values


def line(step: int, steps: int, values: dict[str, Any]) -> str:
    """One readable line."""
    mfu = f", MFU {values['mfu']:.1%}" if "mfu" in values else ""
    return (
        f"step {step:,}/{steps:,}: loss {values['loss']:.4f}, "
        f"{values['tokens_per_second_per_gpu']:,.0f} tokens/s/GPU{mfu}, "
        f"{values['memory_gb']:.1f} GB, {span(values['seconds_left'])} left"
    )
