"""Whether the training makes progress, read from its workers' logs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from acts import Limits, act
from api_server import ApiError
from bionemo_eks.jobs.workloads import WORKLOADS
from job_states import Look
from stall import Progress
from tests.workloads.watch.course import NAMES, START, Course

PATTERN = WORKLOADS["esm1nv"].progress.pattern
MINUTES = 30


def training() -> Course:
    """A course whose workers all run from the start."""
    course = Course()
    course.deploy()
    course.end_data("Complete")
    course.end_launcher()
    course.nodes_come()
    return course


class Logs:
    """Logs by worker, `w3` and the like; `asked` are the pods whose log was requested."""

    def __init__(self, **by_pod: str | None) -> None:
        self.by_pod = {NAMES[int(name.removeprefix("w"))]: text for name, text in by_pod.items()}
        self.asked: list[str] = []

    def __call__(self, pod: str, seconds: int) -> str:
        assert seconds == MINUTES * 60
        self.asked.append(pod)
        text = self.by_pod.get(pod, "")
        if text is None:
            raise ApiError("the node does not answer")
        return text


def seen(course: Course, logs: Logs, minute: float = MINUTES) -> bool | None:
    now = START + timedelta(minutes=minute)
    return Progress(logs, PATTERN, MINUTES).seen(course.training, course.workers, now)


@pytest.mark.parametrize(
    ("text", "prints"),
    [
        ("Epoch 0:   2%| 20/1000 [00:10<08:10, reduced_train_loss=2.1]", True),
        ("\rbar\rEpoch 0:   2%|\r", True),
        ("NCCL INFO Channel 00/0\nhello", False),
        ("start: the loss of a worker\n", False),
        ("", False),
    ],
)
def test_a_line_of_progress_in_any_workers_log_counts(text: str, prints: bool) -> None:
    """`w9` has rank 0 here: c10d puts it into any worker."""
    assert seen(training(), Logs(w9=text)) is prints


def test_an_evaluation_of_esm2_is_progress_however_long_it_takes() -> None:
    """It prints such a line every minute: workloads/esm2/loop.py."""
    line = "step 12,000: evaluation, 4,096 of 20,000 units"
    assert re.search(WORKLOADS["esm2"].progress.pattern, line)


def test_no_log_is_read_before_all_have_run_for_that_long() -> None:
    course, logs = training(), Logs()
    assert seen(course, logs, MINUTES - 1) is None
    course.minute = 20
    del course.workers[5]["status"]["containerStatuses"]
    assert seen(course, logs) is None, "a missing worker is waited for"
    course.nodes_come()
    assert seen(course, logs, 20 + MINUTES - 1) is None, "it started over when that worker came"
    assert logs.asked == []
    assert seen(course, logs, 20 + MINUTES) is False


def test_a_missing_worker_is_waited_for() -> None:
    course = training()
    course.workers.pop()
    assert seen(course, Logs(), 500) is None


def test_an_unavailable_log_is_not_a_stall_and_does_not_hide_progress() -> None:
    assert seen(training(), Logs(w3=None)) is None
    assert seen(training(), Logs(w3=None, w12="loss=1")) is True


def test_if_no_logs_are_available_not_all_are_requested() -> None:
    logs = Logs(**{f"w{number}": None for number in range(16)})
    assert seen(training(), logs) is None
    assert len(logs.asked) < 5


def test_the_worker_that_printed_last_is_asked_first() -> None:
    course, logs = training(), Logs(w14="loss=1")
    progress = Progress(logs, PATTERN, MINUTES)
    for minute in (MINUTES, MINUTES + 1):
        logs.asked.clear()
        progress.seen(course.training, course.workers, START + timedelta(minutes=minute))
    assert logs.asked == [NAMES[14]]


def stalled(course: Course) -> Look:
    look = course.look()
    return Look(**{**vars(look), "progress": False})


def restarting() -> Course:
    """A training that is being restarted: it is suspended, and its pods are gone."""
    course = training()
    course.minute = 60
    doing = act(stalled(course), Limits(on_stall="restart"))
    assert doing is not None
    course.change(doing)
    return course


def test_a_restart_waits_until_the_pods_are_gone() -> None:
    course = restarting()
    limits = Limits(on_stall="restart")
    left: list[dict[str, Any]] = [{"metadata": {}, "spec": {}, "status": {}}]
    assert act(Look(**{**vars(course.look()), "workers": left}), limits) is None
    doing = act(course.look(), limits)
    assert doing is not None
    assert doing.suspend is False


def by_a_change(course: Course) -> None:
    assert course.training is not None
    course.training["metadata"]["generation"] += 1


def by_other_data(course: Course) -> None:
    course.data_job = None


def by_a_launcher_at_work(course: Course) -> None:
    assert course.launcher is not None
    course.launcher = {**course.launcher, "status": {}}


@pytest.mark.parametrize("overtaken", [by_a_change, by_other_data, by_a_launcher_at_work])
def test_a_restart_overtaken_by_a_deployment_is_left_to_it(overtaken: Any) -> None:
    course = restarting()
    overtaken(course)
    assert act(course.look(), Limits(on_stall="restart")) is None


def test_its_time_is_up_whether_it_stalls_or_not() -> None:
    course = training()
    course.minute = 60
    doing = act(stalled(course), Limits(max_hours=1, on_stall="restart"))
    assert doing is not None
    assert doing.notes["stopped_by"] == "deadline"
