"""The course of a deployment as the API server would show it: each event changes its objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from acts import Act
from api_server import ApiError
from ask import starts
from job_states import Look
from objects import notes

START = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
NOTES = "bionemo-on-eks/run"
DATA, LAUNCHER, TRAINING = "uniref50-download-1", "esm1nv-launcher-1", "esm1nv-pretraining"
WORKERS = 16
NAMES = [f"{TRAINING}-worker-{number}" for number in range(WORKERS)]


def merge(item: dict[str, Any], patch: dict[str, Any]) -> None:
    """Apply a merge patch as the API server does (RFC 7386)."""
    for key, value in patch.items():
        if isinstance(value, dict):
            merge(item.setdefault(key, {}), value)
        elif value is None:
            item.pop(key, None)
        else:
            item[key] = value


class Course:
    """A cluster's jobs; `minute` is the time, and every event happens at it."""

    def __init__(self) -> None:
        self.minute = 0.0
        self.data_job: dict[str, Any] | None = None
        self.launcher: dict[str, Any] | None = None
        self.training: dict[str, Any] | None = None
        self.job_pods: list[dict[str, Any]] = []
        self.workers: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self._pods = 0
        # The worker with rank 0, and whether it prints its progress.
        self.printing: str | None = None
        self._printed: dict[str, float] = {}

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=self.minute)

    def look(self) -> Look:
        return Look(
            self.now,
            self.data_job,
            self.launcher,
            self.training,
            self.job_pods,
            self.workers,
            self.events,
            notes(self.training, NOTES),
        )

    def passes(self, minutes: float = 1) -> None:
        """Let time pass, during which the printing worker prints a line."""
        if self.printing:
            self._printed[self.printing] = self.minute
        self.minute += minutes

    def log(self, pod: str, seconds: int) -> str:
        """The kubelet's log of the last seconds."""
        if pod not in [each["metadata"]["name"] for each in self.workers]:
            raise ApiError(f"there is no pod {pod}")
        last = self._printed.get(pod)
        recently = last is not None and last > self.minute - seconds / 60
        line = f"Epoch 0:   1%| step {last:.0f} loss=2.1\r" if recently else ""
        return f"NCCL INFO Connected\nstart: epochs are no business of mine\n{line}"

    def deploy(self) -> None:
        """The stacks apply both Jobs and the PyTorchJob, suspended."""
        self.data_job, self.launcher = self._job(DATA), self._job(LAUNCHER)
        self.training = {
            "metadata": {"name": TRAINING, "uid": TRAINING, "generation": 1},
            "spec": {
                "runPolicy": {"suspend": True},
                "pytorchReplicaSpecs": {"Worker": {"replicas": WORKERS}},
            },
            "status": {},
        }
        self.data_pod("Running")

    def data_pod(self, phase: str, **terminated: str) -> dict[str, Any]:
        """A pod of the data Job, just scheduled to a node."""
        pod = self._pod(phase, node="core-1")
        if terminated:
            pod["status"]["containerStatuses"] = [{"state": {"terminated": terminated}}]
        self.job_pods.append(pod)
        return pod

    def end_data(self, how: str, reason: str = "") -> None:
        """`Complete`, or `Failed` for a reason, as set by the Job controller."""
        assert self.data_job is not None
        self._condition(self.data_job, how, reason)

    def end_launcher(self, how: str = "Complete", hours: float = 0) -> None:
        """The launcher's Job ends; success resumes the PyTorchJob."""
        assert self.launcher is not None
        self._condition(self.launcher, how)
        if how == "Complete":
            self.start_training(hours)

    def start_training(self, hours: float = 0) -> None:
        """What the launcher's last steps do: the last run is removed, workers are created.

        `hours` are those that the starts before have used.
        """
        assert self.training is not None
        self.training["status"] = {}
        merge(self.training, starts(NOTES, hours))
        self.workers = [self._pod("Pending", name=each) for each in NAMES]
        self._condition(self.training, "Created")

    def nodes_come(self) -> None:
        """The workers run."""
        assert self.training is not None
        for pod in self.workers:
            self._schedule(pod, "gpu-1")
            pod["status"]["phase"] = "Running"
            started = {"state": {"running": {"startedAt": self._text()}}}
            pod["status"]["containerStatuses"] = [started]
        self.printing = self.workers[3]["metadata"]["name"]
        self._condition(self.training, "Running")

    def end_training(self, how: str) -> None:
        """`Succeeded` or `Failed`; the operator deletes the pods that still run."""
        assert self.training is not None
        for each in self.training["status"].get("conditions", []):
            if each["type"] == "Running":
                each["status"] = "False"
        self._condition(self.training, how, f"PyTorchJob{how}")
        self.workers = []

    def change(self, act: Act) -> None:
        """What the watch does; the operator deletes the pods of a suspended job."""
        assert self.training is not None
        patch = act.patch(NOTES)
        merge(self.training, patch)
        self.training["metadata"]["generation"] += "spec" in patch
        if act.suspend:
            self.workers = []
        elif act.suspend is False:
            self.workers = [self._pod("Pending", name=each) for each in NAMES]

    def suspend(self) -> None:
        assert self.training is not None
        self.training["spec"]["runPolicy"]["suspend"] = True
        self.workers = []

    def resume(self) -> None:
        assert self.training is not None
        self.training["spec"]["runPolicy"]["suspend"] = False
        self.workers = [self._pod("Pending", name=each) for each in NAMES]

    def retry_data(self) -> None:
        """The Job is recreated under its name; its pods are deleted with the old one."""
        self.data_job, self.job_pods = self._job(DATA), []
        self.data_pod("Running")

    def retry_training(self, hours: float = 0) -> None:
        self.launcher = self._job(LAUNCHER)
        self.end_launcher(hours=hours)

    def complain(self, pod: dict[str, Any], reason: str) -> None:
        """The kubelet's event about a pod, happening now."""
        self.events.append(
            {
                "metadata": {"name": "e", "creationTimestamp": self._text()},
                "involvedObject": {"kind": "Pod", "uid": pod["metadata"]["uid"]},
                "reason": reason,
                "lastTimestamp": self._text(),
                "type": "Warning",
            }
        )

    def _job(self, name: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "uid": f"{name}-{self.minute}"}, "status": {}}

    def _condition(self, item: dict[str, Any], kind: str, reason: str = "") -> None:
        item["status"].setdefault("conditions", []).append(
            {
                "type": kind,
                "status": "True",
                "reason": reason,
                "message": "in words",
                "lastTransitionTime": self._text(),
            }
        )

    def _pod(self, phase: str, node: str = "", name: str = "") -> dict[str, Any]:
        self._pods += 1
        pod: dict[str, Any] = {
            "metadata": {
                "name": name or f"pod-{self._pods}",
                "uid": f"uid-{self._pods}",
                "creationTimestamp": self._text(),
            },
            "spec": {},
            "status": {"phase": phase},
        }
        if node:
            self._schedule(pod, node)
        return pod

    def _schedule(self, pod: dict[str, Any], node: str) -> None:
        pod["spec"]["nodeName"] = node
        self._condition(pod, "PodScheduled")

    def _text(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
