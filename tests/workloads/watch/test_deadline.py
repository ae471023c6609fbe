"""The end set by a limit on hours, and what the watch does when it is reached."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from acts import Act, Limits, act
from deadline import Deadline
from tests.workloads.watch.course import NOTES, START, Course

HOUR = 60.0


def training(hours_used: float = 0) -> Course:
    """A course whose workers run from minute 20 on."""
    course = Course()
    course.deploy()
    course.end_data("Complete")
    course.end_launcher(hours=hours_used)
    course.minute = 20
    course.nodes_come()
    return course


def at(course: Course, minute: float, limits: Limits, *more: Deadline) -> Act | None:
    """Let the watch look at a minute, and apply its act."""
    course.minute = minute
    doing = act(course.look(), limits, more)
    if doing:
        course.change(doing)
    return doing


def suspended(course: Course) -> bool:
    assert course.training is not None
    return bool(course.training["spec"]["runPolicy"]["suspend"])


def test_without_a_limit_it_does_nothing() -> None:
    course = training()
    assert at(course, 10_000 * HOUR, Limits()) is None


@pytest.mark.parametrize(("used", "left"), [(0.0, 24.0), (20.5, 3.5), (30.0, 0.0)])
def test_the_hours_count_from_the_first_workers_start_less_those_before(
    used: float, left: float
) -> None:
    course, limits = training(used), Limits(max_hours=24)
    end = 20 + left * HOUR
    if left:
        at(course, end - 0.1, limits)
        assert not suspended(course)
    at(course, end, limits)
    assert suspended(course)
    assert course.workers == []


def test_waiting_for_the_first_node_uses_no_hours() -> None:
    course = Course()
    course.deploy()
    course.end_data("Complete")
    course.end_launcher()
    assert at(course, 500 * HOUR, Limits(max_hours=1)) is None


def test_the_end_stays_the_same_when_workers_are_replaced() -> None:
    course, limits = training(), Limits(max_hours=2)
    at(course, 21, limits)
    course.minute = 60
    course.nodes_come()  # each on another node, in a new container
    assert at(course, 20 + 2 * HOUR - 1, limits) is None
    at(course, 20 + 2 * HOUR, limits)
    assert suspended(course)


def test_the_reason_for_the_suspension_is_added_to_the_notes() -> None:
    course = training(1.5)
    at(course, 21, Limits(max_hours=2))
    at(course, 20 + HOUR / 2, Limits(max_hours=2))
    assert course.training is not None
    noted: dict[str, Any] = json.loads(course.training["metadata"]["annotations"][NOTES])
    assert noted["stopped_by"] == "deadline"
    assert "training.max_hours is 2" in noted["stopped_why"]
    assert noted["hours_used"] == 1.5


def test_a_manual_pause_uses_no_hours() -> None:
    course, limits = training(1), Limits(max_hours=4)
    at(course, 21, limits)
    course.minute = 20 + HOUR
    course.suspend()
    at(course, 20 + HOUR, limits)
    course.resume()
    course.minute = 50 * HOUR
    course.nodes_come()
    at(course, 51.9 * HOUR, limits)
    assert not suspended(course), "two of four hours were left"
    at(course, 52 * HOUR, limits)
    assert suspended(course)


def test_a_training_started_again_by_hand_is_not_reported_as_stopped_later() -> None:
    course, limits = training(), Limits(stall_minutes=30, on_stall="suspend")
    course.training["metadata"].setdefault("annotations", {})[NOTES] = json.dumps(  # type: ignore[index]
        {"hours_used": 0, "stopped_by": "stall", "stopped_why": "no line", "restarted_at": "x"}
    )
    doing = at(course, 30, limits)
    assert doing is not None
    assert doing.suspend is None
    assert doing.notes == {"hours_used": 0}


@pytest.mark.parametrize("hours", [0, 24])
def test_the_first_deadline_of_either_kind_ends_it(hours: float) -> None:
    course = training()
    other = Deadline(START + timedelta(hours=3), "the Capacity Block ends")
    at(course, 3 * HOUR - 1, Limits(hours), other)
    assert not suspended(course)
    doing = at(course, 3 * HOUR, Limits(hours), other)
    assert doing is not None
    assert "the Capacity Block ends" in doing.message
    assert suspended(course)


@pytest.mark.parametrize("how", ["Failed", "Succeeded"])
def test_a_training_that_has_ended_is_left_alone(how: str) -> None:
    course = training()
    course.end_training(how)
    assert at(course, 100 * HOUR, Limits(max_hours=1)) is None


def test_a_training_suspended_by_hand_is_left_alone() -> None:
    course = training()
    course.suspend()
    assert at(course, 100 * HOUR, Limits(max_hours=1)) is None
