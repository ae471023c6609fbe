"""The jobs' states, from the API server's objects."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cloudwatch_metrics import values
from job_states import SETTLED, States, states
from tests.workloads.watch.course import Course


def deployed() -> Course:
    course = Course()
    course.deploy()
    return course


def seen(course: Course, later: float = 0) -> States:
    """The states `later` minutes after the last event."""
    look = course.look()
    return states(replace(look, now=look.now + timedelta(minutes=later)))


def training() -> Course:
    course = deployed()
    course.end_data("Complete")
    course.end_launcher()
    return course


def test_before_anything_is_deployed_there_is_nothing() -> None:
    found = seen(Course())
    assert (found.data, found.launcher, found.training) == ("none", "none", "none")
    assert found.workers_pending == found.cannot_start == found.jobs_out_of_memory == 0


def test_a_successful_course_step_by_step() -> None:
    course = deployed()
    assert (seen(course).data, seen(course).training) == ("active", "suspended")
    course.end_data("Complete")
    assert seen(course, SETTLED).data == "succeeded"
    course.end_launcher()
    assert seen(course).training == "created"
    course.nodes_come()
    assert seen(course).training == "running"
    course.end_training("Succeeded")
    assert seen(course, SETTLED).training == "succeeded"


@pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "PodFailurePolicy", "DeadlineExceeded"])
def test_a_failed_job_is_failed_for_any_reason_and_reports_it(reason: str) -> None:
    course = deployed()
    course.end_data("Failed", reason)
    found = seen(course, SETTLED)
    assert found.data == "failed"
    assert reason in found.why


@pytest.mark.parametrize("how", ["Failed", "Succeeded"])
def test_an_end_counts_when_two_looks_have_seen_another_state(how: str) -> None:
    """So an alarm on the previous end has returned to OK, however soon the next one comes."""
    course = training()
    course.nodes_come()
    course.end_training(how)
    assert seen(course, SETTLED - 0.1).training == "running"
    assert seen(course, SETTLED).training == how.lower()
    assert SETTLED >= 2


def test_a_training_that_is_applied_again_keeps_its_end_until_it_is_started() -> None:
    course = training()
    course.end_training("Succeeded")
    course.suspend()
    assert seen(course, 30).training == "succeeded"
    course.retry_training()
    assert seen(course, 30).training == "created"


def test_workers_wait_from_their_creation_until_they_have_a_node() -> None:
    course = training()
    assert seen(course, 45).workers_pending == 45
    course.workers[0]["spec"]["nodeName"] = "gpu-1"
    assert seen(course, 45).workers_pending == 45, "the others still wait"
    course.nodes_come()
    assert seen(course, 45).workers_pending == 0


def test_a_worker_that_pulls_its_image_does_not_wait_for_a_node() -> None:
    course = training()
    for pod in course.workers:
        pod["spec"]["nodeName"] = "gpu-1"
    assert seen(course, 45).workers_pending == seen(course, 45).cannot_start == 0


@pytest.mark.parametrize("reason", ["FailedMount", "FailedCreatePodSandBox"])
def test_a_pod_without_its_volume_or_network(reason: str) -> None:
    course = deployed()
    pod = course.data_pod("Pending")
    course.minute = 7
    course.complain(pod, reason)
    assert seen(course).cannot_start == 7
    assert seen(course, 30).cannot_start == 0, "the kubelet has not complained again"
    pod["status"]["phase"] = "Running"
    assert seen(course).cannot_start == 0


def test_other_warnings_and_those_of_other_pods_do_not_count() -> None:
    course = deployed()
    pod = course.data_pod("Pending")
    course.complain(pod, "BackOff")
    course.complain({"metadata": {"uid": "somebody's"}}, "FailedMount")
    assert seen(course, 7).cannot_start == 0


def test_a_job_that_ran_out_of_memory_is_counted_until_it_is_recreated() -> None:
    course = deployed()
    course.data_pod("Failed", reason="OOMKilled")
    course.data_pod("Failed", reason="Error")
    assert seen(course).jobs_out_of_memory == 1
    course.retry_data()
    assert seen(course).jobs_out_of_memory == 0


def test_an_init_container_whose_image_cannot_be_pulled() -> None:
    course = deployed()
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
    course.data_pod("Pending")["status"]["initContainerStatuses"] = [waiting]
    assert seen(course).no_image == 1


def test_every_metric_has_a_value_at_every_look() -> None:
    """A metric that came and went would keep an alarm in its last state."""
    names = set(values(seen(Course())))
    course = training()
    course.end_training("Failed")
    for each in (deployed(), training(), course):
        assert set(values(seen(each, 5))) == names
