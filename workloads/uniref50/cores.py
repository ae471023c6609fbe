"""How many CPU cores this container may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def _quota(cgroup: Path) -> float | None:
    """Cores that the CPU limit of the cgroup allows; None without a limit.

    Source: kernel documentation, admin-guide/cgroup-v2 (cpu.max) and
    scheduler/sched-bwc (cpu.cfs_quota_us, version 1).
    """
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if quota in {"max", "-1", ""}:
        return None
    return int(quota) / int(period)


def available(cgroup: Path = CGROUP) -> int:
    """Cores to use: those this process may run on, within the container's limit."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _quota(cgroup)
    cores = allowed or 1
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))
