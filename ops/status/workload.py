"""The jobs as lines of a status."""

from __future__ import annotations

from bionemo_eks.configuration.workload import Workload
from ops.cluster.jobs import Jobs
from ops.status.lines import Line, silent

_PART = "Workload"
_HEALTHY = {"Running", "Succeeded", "Pending", "ContainerCreating", "PodInitializing"}


def lines_of(told: Jobs, workload: Workload) -> list[Line]:
    """Return the jobs as lines; the training is that of `workload`."""
    lines = []
    for key, name, state, line in (
        ("data", "UniRef50 data", told.data, told.data_line),
        ("launcher", "launcher", told.launcher, ""),
        ("training", f"{workload.title} training", told.training, told.training_line),
    ):
        if key in told.silent:
            lines.append(silent(_PART, told.silent[key], name))
            continue
        good = None if not state else not state.startswith("failed")
        lines.append(Line(_PART, name, state or "not there", good))
        if line:
            lines.append(Line(_PART, "", line))
    if "workers" in told.silent:
        lines.append(silent(_PART, told.silent["workers"], "workers"))
    if told.workers:
        states = ", ".join(f"{count} {state}" for state, count in sorted(told.workers.items()))
        state = f"{states}; {told.restarts} restarts"
        lines.append(Line(_PART, "workers", state, set(told.workers) <= _HEALTHY))
    return lines
