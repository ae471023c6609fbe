"""The jobs' states, from the API server's objects; makes no requests itself.

Nothing is remembered between two looks, so a restarted watch sees the same; and nothing relies on
the wording of a log or a message, only on conditions, phases and reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from objects import Object, condition, is_suspended, moment

# https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions
_COMPLETE, _FAILED = "Complete", "Failed"
# https://github.com/kubeflow/training-operator/blob/v1.7.0/pkg/apis/kubeflow.org/v1/common_types.go
_SUCCEEDED, _RUNNING = "Succeeded", "Running"
# The kubelet's events about a volume that does not mount or a pod without a network.
# https://github.com/kubernetes/kubernetes/blob/v1.35.3/pkg/kubelet/events/event.go
CANNOT_START = frozenset({"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"})
# Minutes for which such an event counts. The kubelet repeats it about every two minutes.
_RECENT = 10.0
# https://github.com/kubernetes/kubernetes/blob/v1.35.3/pkg/kubelet/images/types.go
_NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName"})
_OUT_OF_MEMORY = "OOMKilled"
# Minutes after which an end counts: so at least two looks see a restarted job as running, however
# soon it fails again, and the alarm on its failure leaves ALARM in between.
SETTLED = 2.0


@dataclass(frozen=True)
class Look:
    """What the API server reported at one moment.

    A Job or the PyTorchJob is None where there is none. `job_pods` are the pods of the two Jobs,
    `workers` those of the PyTorchJob, `events` the warnings about pods. `notes`: the PyTorchJob's
    notes on its run. `progress`: whether a worker has recently printed a line of progress; None if
    none is due or the logs are unavailable.
    """

    now: datetime
    data_job: Object | None
    launcher: Object | None
    training: Object | None
    job_pods: Sequence[Object]
    workers: Sequence[Object]
    events: Sequence[Object]
    notes: Object = field(default_factory=dict)
    progress: bool | None = None


@dataclass(frozen=True)
class States:
    """The jobs' states; times in minutes, 0 where nothing waits.

    `workers_pending`: how long a worker has waited for a node. `cannot_start`: how long a pod has
    been on its node without its volume or network, according to the kubelet.
    `jobs_out_of_memory`: containers of the two Jobs killed for lack of memory. Container Insights
    counts only restarted containers, and theirs are not restarted. `no_image`: init containers
    whose image cannot be pulled; Container Insights counts the other containers. `stopped`: what
    suspended the training: `deadline` if its time was up, `stall` if it made no progress; empty if
    a person did. `stalled`: whether it makes no progress, or is being restarted for that reason.
    https://github.com/amazon-contributing/opentelemetry-collector-contrib/blob/aws-cwa-dev/receiver/awscontainerinsightreceiver/internal/stores/podstore.go
    """

    data: str
    launcher: str
    training: str
    why: str
    workers_pending: float
    cannot_start: float
    jobs_out_of_memory: int
    no_image: int
    stopped: str
    stalled: bool


def states(look: Look) -> States:
    """Return the states that a look shows.

    Those of Jobs are `none`, `active`, `succeeded`, `failed`; the training's `none`, `suspended`,
    `created`, `running`, `succeeded`, `failed`. `why` has the reasons for failures.
    """
    pods = [*look.job_pods, *look.workers]
    training = _training_state(look.training, look.now)
    stopped = look.notes if training == "suspended" else {}
    reasons = [*_reasons(look.data_job, look.launcher, look.training)]
    if "stopped_why" in stopped:
        reasons.append(str(stopped["stopped_why"]))
    return States(
        data=job_state(look.data_job, look.now),
        launcher=job_state(look.launcher, look.now),
        training=training,
        why="; ".join(reasons),
        workers_pending=_longest(look.now, map(_waits_since, look.workers)),
        cannot_start=_longest(look.now, map(_on_its_node_since, _stuck(look, pods))),
        jobs_out_of_memory=sum(map(_killed_for_memory, look.job_pods)),
        no_image=sum(map(_init_without_image, pods)),
        stopped=str(stopped.get("stopped_by", "")),
        stalled=look.progress is False
        or "restarting" in stopped
        or stopped.get("stopped_by") == "stall",
    )


def _has_ended(item: Object, how: str, now: datetime) -> bool:
    """Whether a job ended this way, long enough ago to count."""
    end = condition(item, how)
    if end is None:
        return False
    since = end.get("lastTransitionTime")
    return since is None or (now - moment(since)).total_seconds() >= SETTLED * 60


def job_state(job: Object | None, now: datetime) -> str:
    """Return the state of the data Job or the launcher: see `states`."""
    if job is None:
        return "none"
    if _has_ended(job, _FAILED, now):
        return "failed"
    return "succeeded" if _has_ended(job, _COMPLETE, now) else "active"


def has_ended(training: Object) -> bool:
    """Whether the PyTorchJob has ended, however recently."""
    return any(condition(training, how) for how in (_FAILED, _SUCCEEDED))


def _training_state(job: Object | None, now: datetime) -> str:
    """Return the PyTorchJob's state; an end takes precedence over a suspension.

    When a job that has ended is applied again, which suspends it, the operator keeps the end
    until the launcher removes it.
    """
    if job is None:
        return "none"
    for end in (_FAILED, _SUCCEEDED):
        if _has_ended(job, end, now):
            return end.lower()
    if is_suspended(job):
        return "suspended"
    under_way = any(condition(job, each) for each in (_RUNNING, _FAILED, _SUCCEEDED))
    return "running" if under_way else "created"


def _reasons(*jobs: Object | None) -> Iterable[str]:
    for job in jobs:
        failed = condition(job, _FAILED)
        if job is not None and failed is not None:
            parts = [failed.get("reason", ""), failed.get("message", "")]
            yield f"{job['metadata']['name']}: {', '.join(each for each in parts if each)}"


def _longest(now: datetime, moments: Iterable[datetime | None]) -> float:
    since = [each for each in moments if each is not None]
    return max((now - min(since)).total_seconds() / 60, 0.0) if since else 0.0


def _waits_since(pod: Object) -> datetime | None:
    """Return since when a pod has waited for a node; None if it is not waiting."""
    if pod["spec"].get("nodeName") or pod["status"].get("phase") != "Pending":
        return None
    if "deletionTimestamp" in pod["metadata"]:
        return None
    return moment(pod["metadata"]["creationTimestamp"])


def _stuck(look: Look, pods: Iterable[Object]) -> list[Object]:
    """Return the pods on a node that have not started and that the kubelet complains about."""
    complained_of = {
        each["involvedObject"].get("uid")
        for each in look.events
        if each.get("reason") in CANNOT_START
        and (look.now - _last_seen(each)).total_seconds() < _RECENT * 60
    }
    return [
        pod
        for pod in pods
        if pod["metadata"]["uid"] in complained_of
        and pod["spec"].get("nodeName")
        and pod["status"].get("phase") == "Pending"
    ]


def _last_seen(event: Object) -> datetime:
    """Return when an event last happened: old ones have a count, new ones a series.

    https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    last = (event.get("series") or {}).get("lastObservedTime")
    last = last or event.get("lastTimestamp") or event.get("eventTime")
    return moment(last or event["metadata"]["creationTimestamp"])


def _on_its_node_since(pod: Object) -> datetime | None:
    scheduled = condition(pod, "PodScheduled") or {}
    return moment(scheduled.get("lastTransitionTime") or pod["metadata"]["creationTimestamp"])


def _containers(pod: Object, kind: str) -> list[Object]:
    return [each.get("state") or {} for each in pod["status"].get(kind) or []]


def _killed_for_memory(pod: Object) -> int:
    found = [*_containers(pod, "initContainerStatuses"), *_containers(pod, "containerStatuses")]
    return sum((each.get("terminated") or {}).get("reason") == _OUT_OF_MEMORY for each in found)


def _init_without_image(pod: Object) -> int:
    found = _containers(pod, "initContainerStatuses")
    return sum((each.get("waiting") or {}).get("reason") in _NO_IMAGE for each in found)
