"""The Job that embeds proteins: created and followed on the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable

from kubernetes import client as kubernetes

from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import NAMESPACE
from ops.cluster.api import ClusterError, asked, asked_if_exists
from ops.cluster.jobs import job_state, last_line, pods_of, worker_state

_LOOK = 5.0


def make(api: kubernetes.ApiClient, config_map: KubernetesObject, job: KubernetesObject) -> bool:
    """Create the Job unless it exists; return whether it was created. ClusterError if refused.

    A failed one must be deleted first: it has the same name.
    """
    batch, core = kubernetes.BatchV1Api(api), kubernetes.CoreV1Api(api)
    name = job["metadata"]["name"]
    there = asked_if_exists(batch.read_namespaced_job, name, NAMESPACE)
    if there is not None and not job_state(there).startswith("failed"):
        return False
    if there is not None:
        asked(batch.delete_namespaced_job, name, NAMESPACE, propagation_policy="Background")
    # Each Job has its own, immutable: one of an earlier Job would be deleted with that Job.
    if asked_if_exists(core.read_namespaced_config_map, name, NAMESPACE) is not None:
        asked(core.delete_namespaced_config_map, name, NAMESPACE)
    made = asked(batch.create_namespaced_job, NAMESPACE, job)
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": made.metadata.uid}
    owned = {**config_map, "metadata": {**config_map["metadata"], "ownerReferences": [owner]}}
    # After the Job, which owns it: a pod waits for what it mounts.
    # https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
    asked(core.create_namespaced_config_map, NAMESPACE, owned)
    return True


def follow(
    api: kubernetes.ApiClient, name: str, seconds: float, say: Callable[[str], None], last: str = ""
) -> tuple[bool, str]:
    """Report the Job's progress until it has succeeded, or `seconds` are over.

    Returns whether it has succeeded, and the last report; `last`: the previous one. Raises
    ClusterError if the Job has failed.
    """
    batch, core = kubernetes.BatchV1Api(api), kubernetes.CoreV1Api(api)
    until = time.monotonic() + seconds
    while True:
        job = asked(batch.read_namespaced_job, name, NAMESPACE)
        state = job_state(job)
        pods = pods_of(core, job)
        line = last_line(core, pods)
        if state.startswith("failed"):
            raise ClusterError(f"the Job {name} has {state}. Its last line: {line or 'none'}")
        where = ", ".join(worker_state(pod) for pod in pods) or "no pod yet"
        now = f"{where}: {line}" if line else where
        if now != last:
            say(now)
            last = now
        if state == "complete":
            return True, last
        if time.monotonic() > until:
            return False, last
        time.sleep(_LOOK)
