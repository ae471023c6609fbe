"""The jobs as the cluster reports them: data Job, launcher, training, and their last lines."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kubernetes import client as kubernetes

from bionemo_eks.configuration.workload import Position, Workload
from bionemo_eks.jobs.dataset_job import DATA_JOB
from bionemo_eks.jobs.places import NAMESPACE, NO_JOB, NOTES, WAITS_FOR
from ops.cluster.api import ClusterError, asked
from ops.plain import plain_lines

T = TypeVar("T")
# Where the Kubernetes client finds custom objects: group, version, namespace, plural.
PYTORCH_JOBS = ("kubeflow.org", "v1", NAMESPACE, "pytorchjobs")
_REPLICA = "training.kubeflow.org/replica-index"
_TAIL = 200


@dataclass(frozen=True)
class Jobs:
    """State and newest line of each job; empty if there is none.

    `position`: from the training's newest line with numbers.
    `silent`: why a part is unknown: `data`, `launcher`, `training` or `workers`.
    """

    data: str = ""
    data_line: str = ""
    launcher: str = ""
    training: str = ""
    training_line: str = ""
    position: Position | None = None
    workers: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    silent: dict[str, str] = field(default_factory=dict)


def jobs(api: kubernetes.ApiClient, workload: Workload) -> Jobs:
    """Return the current state of the jobs; one that is unknown is `silent`.

    Launcher, training and workers are those of `workload`.
    """
    core, silent = kubernetes.CoreV1Api(api), dict[str, str]()

    def part(name: str, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except ClusterError as error:
            silent[name] = str(error)
            return otherwise

    data = part("data", lambda: _newest_job(api, DATA_JOB), None)
    launcher = part("launcher", lambda: _newest_job(api, workload.launcher), None)
    training = part("training", lambda: _training(api, workload.job), dict[str, Any]())
    of_training = f"training.kubeflow.org/job-name={workload.job}"
    pods = part("workers", lambda: _pods(core, of_training), list[Any]())
    line, position = _progress(core, pods, workload)
    return Jobs(
        data=job_state(data),
        data_line=last_line(core, pods_of(core, data)) if data else "",
        launcher=job_state(launcher),
        training=training_state(training, data, launcher),
        training_line=line,
        position=position,
        workers=dict(Counter(worker_state(pod) for pod in pods)),
        restarts=sum(s.restart_count for pod in pods for s in pod.status.container_statuses or []),
        silent=silent,
    )


def _newest_job(api: kubernetes.ApiClient, name: str) -> Any:
    listed = asked(
        kubernetes.BatchV1Api(api).list_namespaced_job,
        NAMESPACE,
        label_selector=f"app.kubernetes.io/name={name}",
    ).items
    return max(listed, key=lambda job: job.metadata.creation_timestamp, default=None)


def job_state(job: Any) -> str:
    """Return a Job's state in words; empty without one."""
    if job is None:
        return ""
    for condition in job.status.conditions or []:
        if condition.status == "True" and condition.type in ("Complete", "Failed", "Suspended"):
            why = f": {condition.message}" if condition.type == "Failed" else ""
            return f"{condition.type.lower()}{why}"
    failures = f", {job.status.failed} failed attempts" if job.status.failed else ""
    return ("running" if job.status.active else "waiting") + failures


def _training(api: kubernetes.ApiClient, name: str) -> dict[str, Any]:
    objects = kubernetes.CustomObjectsApi(api)
    try:
        listed = asked(objects.list_namespaced_custom_object, *PYTORCH_JOBS)
    except ClusterError as error:
        if error.status == 404:  # the training operator is not installed yet
            return {}
        raise
    named = [each for each in listed["items"] if each["metadata"]["name"] == name]
    return dict(named[0]) if named else {}


def training_state(job: dict[str, Any], data: Any, launcher: Any) -> str:
    """Return the PyTorchJob's state in words; empty without one."""
    if not job:
        return ""
    if job["spec"].get("runPolicy", {}).get("suspend"):
        annotations = job.get("metadata", {}).get("annotations") or {}
        if job_state(data) != "complete" and annotations.get(WAITS_FOR) != NO_JOB:
            return "suspended: waiting for the data"
        if launcher is not None and job_state(launcher) != "complete":
            return "suspended: the launcher is about to start it"
        if "restarting" in noted(job):
            return "suspended: the watch is about to start it again"
        why = noted(job).get("stopped_why")
        if why:
            return f"suspended: {why}"
        return "suspended: nothing is about to start it"
    current = [
        each for each in job.get("status", {}).get("conditions") or [] if each["status"] == "True"
    ]
    if not current:
        return "created"
    state, why = str(current[-1]["type"]).lower(), current[-1].get("message", "")
    if state == "failed" and why:
        return f"{state}: {why}"
    ends = noted(job).get("ends_at")
    return f"{state}; it will be suspended at {ends}" if ends and state != "succeeded" else state


def noted(job: dict[str, Any]) -> dict[str, Any]:
    """Return what launcher and watch have noted on the PyTorchJob about its run, if anything."""
    text = (job.get("metadata", {}).get("annotations") or {}).get(NOTES, "{}")
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def worker_state(pod: Any) -> str:
    """Return a pod's phase, or what its container is waiting for."""
    for status in pod.status.container_statuses or []:
        waiting = status.state.waiting if status.state else None
        if waiting is not None and waiting.reason:
            return str(waiting.reason)
    return str(pod.status.phase)


def _pods(core: kubernetes.CoreV1Api, selector: str) -> list[Any]:
    listed: list[Any] = asked(core.list_namespaced_pod, NAMESPACE, label_selector=selector).items
    return listed


def pods_of(core: kubernetes.CoreV1Api, job: Any) -> list[Any]:
    """Return the pods of a Job; none if unknown."""
    try:
        return _pods(core, f"job-name={job.metadata.name}")
    except ClusterError:
        return []


def _progress(
    core: kubernetes.CoreV1Api, pods: list[Any], workload: Workload
) -> tuple[str, Position | None]:
    """Return the newest progress line, and the position in the newest one with numbers.

    The process with rank 0 prints them, which c10d may have placed in any worker. Without any, the
    first worker's last line.
    """
    first = ""
    for pod in sorted(pods, key=lambda each: int((each.metadata.labels or {}).get(_REPLICA, 0))):
        text = _log(core, pod)
        line = newest(text, workload.progress)
        if line:
            positions = map(workload.position, reversed(plain_lines(text)))
            return line, next((each for each in positions if each is not None), None)
        first = first or newest(text)
    return first, None


def last_line(core: kubernetes.CoreV1Api, pods: list[Any]) -> str:
    """Return the last line of the newest pod's log."""
    pod = max(pods, key=lambda each: each.metadata.creation_timestamp, default=None)
    return newest(_log(core, pod)) if pod is not None else ""


def _log(core: kubernetes.CoreV1Api, pod: Any) -> str:
    if pod.status.phase == "Pending":
        return ""
    try:
        text = asked(core.read_namespaced_pod_log, pod.metadata.name, NAMESPACE, tail_lines=_TAIL)
    except ClusterError:
        return ""
    return str(text)


def newest(text: str, wanted: re.Pattern[str] | None = None) -> str:
    """Return the last nonempty line of a log that matches `wanted`."""
    lines = plain_lines(text)
    if wanted is not None:
        lines = [line for line in lines if wanted.search(line)]
    return lines[-1] if lines else ""
