"""A pod with /fsx for a shell: created and deleted."""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from kubernetes import client as kubernetes

from bionemo_eks.jobs.places import NAMESPACE
from bionemo_eks.jobs.shell import shell_job
from ops.aws import Deployment
from ops.cluster.api import ClusterError, asked, connected
from ops.cluster.jobs import worker_state

# Seconds until the pod runs, which may wait for its image and its mount; and between polls.
_STARTS, _LOOK = 300.0, 2.0
# Waiting does not help in these states.
_HOPELESS = {"ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"}


@contextmanager
def shell_pod(
    deployment: Deployment, seconds: int, say: Callable[[str], None]
) -> Iterator[tuple[kubernetes.ApiClient, str]]:
    """Yield a client and the name of a running pod; delete it afterwards, whatever happens.

    A login lasts for minutes and a shell for hours, so a new login is used to delete it. If that
    fails, or this process is gone, Kubernetes ends the pod after `seconds` and deletes it a minute
    later. ClusterError if it cannot be created, or does not start.
    """
    name = f"bionemo-shell-{secrets.token_hex(4)}"
    with connected(deployment) as api, _ended_by_signals():
        batch = kubernetes.BatchV1Api(api)
        try:
            asked(batch.create_namespaced_job, NAMESPACE, shell_job(name, seconds))
            yield api, _started(api, name)
        finally:
            _remove(deployment, name, say)


def _started(api: kubernetes.ApiClient, job: str) -> str:
    """Wait until the Job's pod runs; return its name."""
    core, until = kubernetes.CoreV1Api(api), time.monotonic() + _STARTS
    while True:
        pods = asked(core.list_namespaced_pod, NAMESPACE, label_selector=f"job-name={job}").items
        state = worker_state(pods[0]) if pods else "no pod yet"
        if state == "Running":
            return str(pods[0].metadata.name)
        if state in _HOPELESS or time.monotonic() > until:
            raise ClusterError(f"the pod of {job} does not start: {state}{_why(pods)}")
        time.sleep(_LOOK)


def _why(pods: list[Any]) -> str:
    """Say what the pod's scheduling is waiting for, if anything."""
    conditions = pods[0].status.conditions or [] if pods else []
    messages = [each.message for each in conditions if each.status == "False" and each.message]
    return f" ({messages[0]})" if messages else ""


def _remove(deployment: Deployment, job: str, say: Callable[[str], None]) -> None:
    try:
        with connected(deployment) as api:
            batch = kubernetes.BatchV1Api(api)
            asked(batch.delete_namespaced_job, job, NAMESPACE, propagation_policy="Background")
    except ClusterError as error:
        if error.status != 404:  # its time was up, and Kubernetes has deleted it
            say(f"Job {job} was not deleted, but will end by itself: {error}")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Make a closed terminal, or a kill, run the cleanup."""

    def leave(number: int, frame: Any) -> NoReturn:
        raise SystemExit(128 + number)

    before = {each: signal.signal(each, leave) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
