"""The jobs as lines of a status."""

from __future__ import annotations

from bionemo_eks.configuration.workload import Workload
from ops.aws import Deployment
from ops.cluster.inside import inside
from ops.cluster.jobs import Jobs
from ops.status.lines import Line, silent

_PART = "Workload"
_HEALTHY = {"Running", "Succeeded", "Pending", "ContainerCreating", "PodInitializing"}


def workload(deployment: Deployment) -> list[Line]:
    """Return the lines of the deployment's jobs; ClusterError when the cluster does not answer."""
    return lines_of(inside(deployment).jobs, deployment.settings.workload)


def lines_of(jobs: Jobs, trained: Workload) -> list[Line]:
    """Return the jobs as lines; the training is that of the workload `trained`."""
    lines = []
    for key, name, state, line in (
        ("data", "UniRef50 data", jobs.data, jobs.data_line),
        ("launcher", "launcher", jobs.launcher, ""),
        ("training", f"{trained.title} training", jobs.training, jobs.training_line),
    ):
        if key in jobs.silent:
            lines.append(silent(_PART, jobs.silent[key], name))
            continue
        good = None if not state else not state.startswith("failed")
        lines.append(Line(_PART, name, state or "not there", good))
        if line:
            lines.append(Line(_PART, "", line))
    if "workers" in jobs.silent:
        lines.append(silent(_PART, jobs.silent["workers"], "workers"))
    if jobs.workers:
        states = ", ".join(f"{count} {state}" for state, count in sorted(jobs.workers.items()))
        state = f"{states}; {jobs.restarts} restarts"
        lines.append(Line(_PART, "workers", state, set(jobs.workers) <= _HEALTHY))
    return lines
