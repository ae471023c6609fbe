"""The jobs, as lines of the status."""

from __future__ import annotations

from bionemo_eks.configuration.workload import Position, Workload
from ops.aws import Deployment
from ops.cluster.inside import inside
from ops.cluster.jobs import Jobs
from ops.status.lines import Line, silent

_PART = "Workload"
_HEALTHY = {"Running", "Succeeded", "Pending", "ContainerCreating", "PodInitializing"}


def workload(deployment: Deployment) -> list[Line]:
    """Return the lines of the deployment's jobs; ClusterError if the cluster does not answer."""
    settings = deployment.settings
    return lines_of(inside(deployment).jobs, settings.workload, settings.training.max_steps)


def lines_of(jobs: Jobs, trained: Workload, steps: int) -> list[Line]:
    """Return the jobs as lines; the training is that of workload `trained`, for `steps`."""
    progress = "" if jobs.position is None else position(jobs.position, steps)
    lines = []
    for key, name, state, line in (
        ("data", "UniRef50 data", jobs.data, jobs.data_line),
        ("launcher", "launcher", jobs.launcher, ""),
        ("training", f"{trained.title} training", jobs.training, progress or jobs.training_line),
    ):
        if key in jobs.silent:
            lines.append(silent(_PART, jobs.silent[key], name))
            continue
        good = None if not state else not state.startswith("failed")
        lines.append(Line(_PART, name, state or "does not exist", good))
        if line and state != "complete":
            lines.append(Line(_PART, "", line))
    if "workers" in jobs.silent:
        lines.append(silent(_PART, jobs.silent["workers"], "workers"))
    if jobs.workers:
        states = ", ".join(f"{count} {state}" for state, count in sorted(jobs.workers.items()))
        state = f"{states}; {jobs.restarts} restart{'s' * (jobs.restarts != 1)}"
        lines.append(Line(_PART, "workers", state, set(jobs.workers) <= _HEALTHY))
    return lines


def _span(seconds: float) -> str:
    """Return a time span in its two largest units."""
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def position(at: Position, steps: int) -> str:
    """Describe the progress of a training of `steps`: step, speed, and remaining time."""
    parts = [f"step {at.step:,} of {steps:,}"]
    if at.seconds_a_step:
        parts.append(f"{1 / at.seconds_a_step:.3g} steps/s")
        if at.step < steps:
            parts.append(f"{_span((steps - at.step) * at.seconds_a_step)} left")
    if at.loss is not None:
        parts.append(f"loss {at.loss:.4g}")
    return ", ".join(parts)
