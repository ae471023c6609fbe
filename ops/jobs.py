"""The jobs as the cluster tells of them: data Job, launcher, training, and their last words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client as kubernetes

from ops.kubernetes_api import ClusterError, asked

NAMESPACE, TRAINING = "default", "esm1nv-pretraining"
_GROUP = ("kubeflow.org", "v1", NAMESPACE, "pytorchjobs")
_OF_TRAINING = f"training.kubeflow.org/job-name={TRAINING}"
# What PyTorch Lightning and NeMo print as they train.
_TRAINING_LINE = re.compile(r"(?i)\b(epoch|global_step|train_step|loss)\b")


@dataclass(frozen=True)
class Jobs:
    """State and newest line of each job; empty where there is none."""

    data: str = ""
    data_line: str = ""
    launcher: str = ""
    training: str = ""
    training_line: str = ""
    workers: dict[str, int] = field(default_factory=dict)
    restarts: int = 0


def jobs(api: kubernetes.ApiClient) -> Jobs:
    """Return what the cluster tells of the jobs now.

    Raises ClusterError when it stops answering.
    """
    core = kubernetes.CoreV1Api(api)
    data, launcher = _newest_job(api, "uniref50-download"), _newest_job(api, "esm1nv-launcher")
    pods = asked(core.list_namespaced_pod, NAMESPACE, label_selector=_OF_TRAINING).items
    return Jobs(
        data=job_state(data),
        data_line=_last_line(core, f"job-name={data.metadata.name}") if data else "",
        launcher=job_state(launcher),
        training=training_state(_training(api)),
        training_line=_last_line(core, f"{_OF_TRAINING},{_FIRST}", _TRAINING_LINE),
        workers=dict(Counter(worker_state(pod) for pod in pods)),
        restarts=sum(s.restart_count for pod in pods for s in pod.status.container_statuses or []),
    )


_FIRST = "training.kubeflow.org/replica-index=0"


def _newest_job(api: kubernetes.ApiClient, name: str) -> Any:
    found = asked(
        kubernetes.BatchV1Api(api).list_namespaced_job,
        NAMESPACE,
        label_selector=f"app.kubernetes.io/name={name}",
    ).items
    return max(found, key=lambda job: job.metadata.creation_timestamp, default=None)


def job_state(job: Any) -> str:
    """Say in words how far a Job is; empty without one."""
    if job is None:
        return ""
    for condition in job.status.conditions or []:
        if condition.status == "True" and condition.type in ("Complete", "Failed", "Suspended"):
            why = f": {condition.message}" if condition.type == "Failed" else ""
            return f"{condition.type.lower()}{why}"
    failures = f", {job.status.failed} failed tries" if job.status.failed else ""
    return ("running" if job.status.active else "waiting") + failures


def _training(api: kubernetes.ApiClient) -> dict[str, Any]:
    objects = kubernetes.CustomObjectsApi(api)
    listed = asked(objects.list_namespaced_custom_object, *_GROUP)
    named = [each for each in listed["items"] if each["metadata"]["name"] == TRAINING]
    return dict(named[0]) if named else {}


def training_state(job: dict[str, Any]) -> str:
    """Say in words how far the PyTorchJob is; empty without one."""
    if not job:
        return ""
    if job["spec"].get("runPolicy", {}).get("suspend"):
        return "suspended: it waits for the data"
    current = [
        each for each in job.get("status", {}).get("conditions") or [] if each["status"] == "True"
    ]
    return str(current[-1]["type"]).lower() if current else "created"


def worker_state(pod: Any) -> str:
    """Return a pod's phase, or what its container waits for."""
    for status in pod.status.container_statuses or []:
        waiting = status.state.waiting if status.state else None
        if waiting is not None and waiting.reason:
            return str(waiting.reason)
    return str(pod.status.phase)


def _last_line(
    core: kubernetes.CoreV1Api, selector: str, wanted: re.Pattern[str] | None = None
) -> str:
    """Return the newest line of the newest pod's log, or the newest that matches `wanted`."""
    pods = asked(core.list_namespaced_pod, NAMESPACE, label_selector=selector).items
    pod = max(pods, key=lambda each: each.metadata.creation_timestamp, default=None)
    if pod is None or pod.status.phase == "Pending":
        return ""
    try:
        text = asked(core.read_namespaced_pod_log, pod.metadata.name, NAMESPACE, tail_lines=200)
    except ClusterError:
        return ""
    return newest(text, wanted)


def newest(text: str, wanted: re.Pattern[str] | None = None) -> str:
    """Return the last line of a log that says something; progress bars end in CR, not LF."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    if wanted is not None:
        lines = [line for line in lines if wanted.search(line)]
    return lines[-1] if lines else ""
