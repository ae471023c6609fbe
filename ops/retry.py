"""Restarts what has failed or was interrupted: the same Jobs, under the same names.

A deployment does not do that: without changed settings, CloudFormation applies nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kubernetes import client as kubernetes

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.dataset_job import DATA_JOB
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import NAMESPACE
from ops.cluster.api import ClusterError, asked, asked_if_exists
from ops.cluster.deployed import as_kubectl_makes_it
from ops.cluster.jobs import PYTORCH_JOBS, job_state, noted, training_state

# Seconds until an old Job and its pods are gone, and between polls. A pod of the data Job may take
# a minute to end, and unmounting its volume another.
_GONE, _LOOK = 300.0, 2.0


class What(StrEnum):
    """What can be restarted."""

    DATA = "data"
    TRAINING = "training"


@dataclass(frozen=True)
class Plan:
    """The current state in a sentence, and which objects to recreate, in order.

    Without any, there is nothing to do, or, if `refused`, it cannot be done.
    """

    said: str
    again: tuple[KubernetesObject, ...] = ()
    refused: bool = False

    @property
    def names(self) -> list[str]:
        """Kind and name of each object."""
        return [f"{each['kind']} {each['metadata']['name']}" for each in self.again]


@dataclass(frozen=True)
class Snapshot:
    """The deployed objects, and each as it is in the cluster (`*_there`), empty without one."""

    settings: Settings
    data: KubernetesObject | None
    launcher: KubernetesObject | None
    training: KubernetesObject | None
    data_there: Any
    launcher_there: Any
    training_there: dict[str, Any]


def look(
    api: kubernetes.ApiClient, settings: Settings, deployed: list[KubernetesObject]
) -> Snapshot:
    """Ask the cluster for the jobs among `deployed`; ClusterError if it does not answer."""
    workload = settings.workload
    data = _of(deployed, "Job", DATA_JOB)
    launcher = _of(deployed, "Job", workload.launcher)
    training = _of(deployed, "PyTorchJob", workload.job)
    read_job = kubernetes.BatchV1Api(api).read_namespaced_job
    read_training = kubernetes.CustomObjectsApi(api).get_namespaced_custom_object
    data_there, launcher_there = (
        job and asked_if_exists(read_job, job["metadata"]["name"], NAMESPACE)
        for job in (data, launcher)
    )
    there = training and asked_if_exists(read_training, *PYTORCH_JOBS, workload.job)
    return Snapshot(settings, data, launcher, training, data_there, launcher_there, there or {})


def _of(deployed: list[KubernetesObject], kind: str, label: str) -> KubernetesObject | None:
    found = (
        each
        for each in deployed
        if each["kind"] == kind and each["metadata"]["labels"]["app.kubernetes.io/name"] == label
    )
    return next(found, None)


def plan(what: What, found: Snapshot) -> Plan:
    """Return what to recreate for `what`."""
    return _plan_data(found) if what is What.DATA else _plan_training(found)


def _plan_data(found: Snapshot) -> Plan:
    data = found.data
    if data is None:
        return Plan("The deployed Workload stack has no data Job.", refused=True)
    name, state = data["metadata"]["name"], job_state(found.data_there)
    if state == "complete":
        return Plan(
            f"The data set is finished: {name} succeeded. For a different one, change a dataset "
            "setting and run make deploy."
        )
    if state and not state.startswith("failed"):
        return Plan(f"The data Job {name} is in progress ({state}): there is nothing to start.")
    said = f"The data Job {name} has {state}." if state else f"The data Job {name} does not exist."
    launcher = [found.launcher] if _has_given_up(found) else []
    return Plan(said, (data, *(each for each in launcher if each is not None)))


def _has_given_up(found: Snapshot) -> bool:
    """Whether the launcher no longer waits for the data: nothing would start the training."""
    state = job_state(found.launcher_there)
    return found.launcher is not None and (not state or state.startswith("failed"))


def _plan_training(found: Snapshot) -> Plan:
    launcher, training, settings = found.launcher, found.training, found.settings
    title = f"The {settings.workload.title} training"
    if launcher is None or training is None:
        return Plan(
            f"The deployed Workload stack starts no {settings.workload.title} training: at the "
            "last make deploy, training.enabled was false or training.workload was different.",
            refused=True,
        )
    data, launching = job_state(found.data_there), job_state(found.launcher_there)
    state = training_state(found.training_there, found.data_there, found.launcher_there)
    if state.startswith("succeeded"):
        return Plan(
            f"{title} is finished: it has reached training.max_steps ({settings.training.max_steps}"
            "). To continue from its newest checkpoint, raise that and run make deploy."
        )
    if not data or data.startswith("failed"):
        return Plan(
            f"{title} needs the data set, but the data Job {f'has {data}' if data else 'is gone'}. "
            "First: ./bionemo retry data",
            refused=True,
        )
    if launching and launching != "complete" and not launching.startswith("failed"):
        return Plan(f"{title} is in progress: the launcher is about to start it.")
    if state and not state.startswith(("failed", "suspended")):
        return Plan(f"{title} is in progress ({state}): there is nothing to start.")
    notes = noted(found.training_there) if state.startswith("suspended") else {}
    if notes.get("stopped_by") == "deadline":
        return Plan(
            f"{title} has used up its time: {notes.get('stopped_why')}. To continue from its "
            "newest checkpoint, change that and run make deploy.",
            refused=True,
        )
    if not found.training_there:
        return Plan(f"{title} does not exist.", (training, launcher))
    return Plan(f"{title}: {state}.", (launcher,))


def carry_out(api: kubernetes.ApiClient, plan: Plan, say: Callable[[str], None]) -> None:
    """Recreate the objects of `plan`, and report each.

    ClusterError if the cluster refuses one. After an interruption it can be run again: a missing
    object counts as failed.
    """
    for item in plan.again:
        name = item["metadata"]["name"]
        if item["kind"] == "Job":
            _remove(api, name)
            body = as_kubectl_makes_it(item)
            asked(kubernetes.BatchV1Api(api).create_namespaced_job, NAMESPACE, body)
        else:
            objects = kubernetes.CustomObjectsApi(api)
            asked(objects.create_namespaced_custom_object, *PYTORCH_JOBS, as_kubectl_makes_it(item))
        say(f"{item['kind']} {name}: recreated.")


def _remove(api: kubernetes.ApiClient, name: str) -> None:
    """Delete a Job and wait until it and its pods are gone; a missing one is fine."""
    batch = kubernetes.BatchV1Api(api)
    until = time.monotonic() + _GONE
    if asked_if_exists(batch.read_namespaced_job, name, NAMESPACE) is None:
        return
    # In the foreground: pods of the old and the new Job must not write at the same time.
    # https://kubernetes.io/docs/concepts/architecture/garbage-collection/#foreground-deletion
    asked(batch.delete_namespaced_job, name, NAMESPACE, propagation_policy="Foreground")
    while asked_if_exists(batch.read_namespaced_job, name, NAMESPACE) is not None:
        if time.monotonic() > until:
            raise ClusterError(
                f"Job {name} still exists after {_GONE:.0f} s: one of its pods is still "
                "terminating. Run the command again later."
            )
        time.sleep(_LOOK)
