"""Checks that a training run fits into its device's memory."""

from __future__ import annotations

from pathlib import Path

import torch

from failures import TrainingError
from memory import GB, RESERVED, Estimate, too_much

# What to change, as command-line options.
_CHANGES = {
    "parallel": "--parallel fsdp with more GPUs, GPUs with more memory",
    "size": "a smaller --size",
    "units_at_once": "a smaller --units-at-once",
    "recompute": "--recompute",
    "unit_tokens": "a smaller --unit-tokens",
}


def available(device: torch.device) -> float:
    """Bytes that this process may use of `device`'s memory."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free - RESERVED
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, value = line.split(":")
        if name == "MemAvailable":
            machine = float(value.split()[0]) * 1024
            return min(machine, _container_limit())
    return float("inf")


def _container_limit() -> float:
    try:
        return float(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no container, or "max"
        return float("inf")


def demand(needed: Estimate, least: Estimate, there: float, recompute: bool) -> None:
    """Make sure that `needed` fits.

    `least`: the same with one unit at a time.

    Raises:
        TrainingError: it does not; the message says which setting to change.
    """
    changes = too_much(needed, least, there, recompute)
    if changes:
        raise TrainingError(
            f"not enough memory: one process needs about {needed}, available are "
            f"{there / GB:.1f} GB: choose {', or '.join(_CHANGES[each] for each in changes)}"
        )
