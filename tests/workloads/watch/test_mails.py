"""The messages a person gets: watched courses of a deployment, with the template's alarms."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bionemo_eks.observability.job_alarms import SILENT_MINUTES
from cloudwatch_metrics import values
from job_states import states
from tests.simulated.cloudwatch import ALARM, OK
from tests.workloads.watch.course import Course
from tests.workloads.watch.deployment import (
    NAMESPACE,
    SETTINGS,
    SOON,
    Deployment,
    deployed,
    metrics,
    trains,
)

PENDING = SETTINGS.notifications.pending_minutes


def test_a_successful_course_reports_only_its_end() -> None:
    deployment = deployed().after(300)
    deployment.course.end_data("Complete")
    deployment.after(1).course.end_launcher()
    deployment.after(PENDING - 1).course.nodes_come()
    deployment.after(500)
    assert deployment.mails() == []
    assert set(deployment.cloudwatch.states.values()) == {OK}
    deployment.course.end_training("Succeeded")
    assert deployment.after(500).mails() == ["training-succeeded"]


def data_fails(deployment: Deployment) -> None:
    deployment.course.end_data("Failed", "BackoffLimitExceeded")


def launcher_gives_up(deployment: Deployment) -> None:
    deployment.course.end_launcher("Failed")


def training_fails(deployment: Deployment) -> None:
    deployment.course.start_training()
    deployment.course.nodes_come()
    deployment.course.end_training("Failed")


def data_needs_memory(deployment: Deployment) -> None:
    deployment.course.data_pod("Failed", reason="OOMKilled")


FAILURES: dict[str, Callable[[Deployment], None]] = {
    "dataset-error": data_fails,
    "launcher-failed": launcher_gives_up,
    "training-failed": training_fails,
    "job-out-of-memory": data_needs_memory,
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_one_message_within_minutes(name: str) -> None:
    deployment = deployed()
    FAILURES[name](deployment)
    assert deployment.after(SOON).mails() == [name]
    assert deployment.after(300).mails() == [name]


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("away", [1, 3, SILENT_MINUTES - 1])
def test_a_restarted_watch_reports_nothing_twice(name: str, away: int) -> None:
    deployment = deployed()
    FAILURES[name](deployment)
    deployment.after(SOON).after(away, watched=False).after(60)
    assert deployment.mails() == [name]


@pytest.mark.parametrize("name", FAILURES)
def test_what_happens_while_the_watch_is_down_is_reported_when_it_is_back(name: str) -> None:
    deployment = deployed().after(2, watched=False)
    FAILURES[name](deployment)
    deployment.after(3, watched=False)
    assert deployment.mails() == []
    assert deployment.after(SOON).mails() == [name]


@pytest.mark.parametrize("within", [0, 1, 5, 60])
def test_the_next_failure_is_reported_too_however_soon_it_comes(within: int) -> None:
    deployment = deployed()
    data_fails(deployment)
    deployment.after(10).course.retry_data()
    deployment.after(within)
    data_fails(deployment)
    assert deployment.after(10).mails() == ["dataset-error"] * 2


def test_the_next_failure_of_the_training_is_reported_too() -> None:
    deployment = trains()
    deployment.course.end_training("Failed")
    deployment.after(10).course.retry_training()
    deployment.course.end_training("Failed")
    assert deployment.after(10).mails() == ["training-failed"] * 2


def test_a_node_that_never_comes_is_reported_once_and_is_not_a_failure() -> None:
    deployment = deployed()
    deployment.course.end_data("Complete")
    deployment.course.end_launcher()
    assert deployment.after(PENDING).mails() == []
    assert deployment.after(SOON).mails() == ["workers-pending"]
    deployment.after(600).course.nodes_come()
    assert deployment.after(60).mails() == ["workers-pending"]
    assert deployment.cloudwatch.states["bionemo-on-eks-workers-pending"] == OK


def test_a_missing_volume_is_reported_within_minutes() -> None:
    deployment = deployed()
    pod = deployment.course.data_pod("Pending")
    for _ in range(10):
        deployment.course.complain(pod, "FailedMount")
        deployment.after(1)
    assert deployment.mails() == ["pod-cannot-start"]
    pod["status"]["phase"] = "Running"
    assert deployment.after(30).mails() == ["pod-cannot-start"]


def test_a_silent_watch_is_reported_once_and_may_recover() -> None:
    deployment = trains().after(SILENT_MINUTES - 1, watched=False)
    assert deployment.mails() == []
    deployment.after(120, watched=False)
    assert deployment.mails() == ["watch-silent"]
    deployment.after(60).after(60, watched=False)
    assert deployment.mails() == ["watch-silent"] * 2


def test_before_its_first_metric_the_watch_is_not_silent() -> None:
    """Nor is anything reported while a deployment takes long, or has failed halfway."""
    assert Deployment().after(600, watched=False).mails() == []


INSIGHTS = {
    "image-missing": ("pod_container_status_waiting_reason_image_pull_error", {}, 3),
    "out-of-memory": ("pod_container_status_terminated_reason_oom_killed", {}, 1),
    "watch-crashes": (
        "pod_container_status_waiting_reason_crash_loop_back_off",
        {"Namespace": "default", "PodName": "esm1nv-watch"},
        3,
    ),
}


@pytest.mark.parametrize("name", INSIGHTS)
def test_what_container_insights_sees_is_one_message(name: str) -> None:
    metric, dimensions, minutes = INSIGHTS[name]
    deployment, asked = deployed(), {"ClusterName": "bionemo-on-eks", **dimensions}
    for minute in range(60):
        if minute % 4 != 3:  # the kubelet's state comes and goes
            deployment.cloudwatch.publish("ContainerInsights", {metric: 1.0}, **asked)
        deployment.after(1)
        assert (name in deployment.mails()) == (minute + 1 >= minutes)
    assert deployment.after(30).mails() == [name]


def test_an_init_containers_image_is_reported_when_it_keeps_failing() -> None:
    deployment = deployed()
    pod = deployment.course.data_pod("Pending")
    missing = [{"state": {"waiting": {"reason": "ErrImagePull"}}}]
    for minute in range(20):
        pod["status"]["initContainerStatuses"] = missing if minute in (2, 10, 12, 13) else []
        assert (deployment.mails() == []) == (minute <= 13)
        deployment.after(1)
    assert deployment.after(30).mails() == ["init-image-missing"]


def test_an_image_that_fails_once_is_not_reported() -> None:
    deployment = deployed()
    metric, _, _ = INSIGHTS["image-missing"]
    deployment.cloudwatch.publish("ContainerInsights", {metric: 1.0}, ClusterName="bionemo-on-eks")
    assert deployment.after(30).mails() == []


def test_each_alarm_uses_a_published_metric() -> None:
    published = set(values(states(Course().look())))
    asked = {each["MetricName"] for each in metrics() if each["Namespace"] == NAMESPACE}
    assert asked <= published
    assert len(asked) == 13


# What may happen next.
EVENTS = ("data fails", "data again", "trains", "training fails", "training ends", "train again")


def happens(event: str, course: Course) -> str:
    """Let an event happen if it can now; return the message that must follow, if any."""
    ended = {
        each["type"]
        for job in (course.data_job, course.launcher, course.training)
        for each in (job or {})["status"].get("conditions", [])
        if each["status"] == "True"
    }
    data_has_failed = "Failed" in str((course.data_job or {})["status"])
    under_way = bool(course.workers)
    match event:
        case "data fails" if "Complete" not in ended and not data_has_failed:
            course.end_data("Failed", "BackoffLimitExceeded")
            return "dataset-error"
        case "data again" if data_has_failed:
            course.retry_data()
        case "trains" if not data_has_failed and "Complete" not in ended:
            course.end_data("Complete")
            course.end_launcher()
            course.nodes_come()
        case "training fails" if under_way:
            course.end_training("Failed")
            return "training-failed"
        case "training ends" if under_way:
            course.end_training("Succeeded")
            return "training-succeeded"
        case "train again" if "Failed" in ended and not data_has_failed:
            course.retry_training()
            course.nodes_come()
    return ""


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(EVENTS),
            st.integers(1, 12),  # minutes until the next event, watched
            st.integers(0, SILENT_MINUTES - 4),  # minutes for which the watch is down
        ),
        max_size=12,
    )
)
def test_each_end_is_reported_exactly_once_in_any_order_of_events(
    events: list[tuple[str, int, int]],
) -> None:
    """The watch may be down after each event, but sees each restarted job once.

    Where it is away from before the new start until after the new failure, the alarm has not left
    ALARM, and the second mail is the only one that is not sent.
    """
    deployment, expected = deployed(), []
    for event, pause, away in events:
        mail = happens(event, deployment.course)
        deployment.after(away, watched=False)
        deployment.after(max(pause, SOON) if mail else pause)
        expected += [mail] if mail else []
        assert deployment.mails() == expected
    assert deployment.after(60).mails() == expected


def test_the_model_of_cloudwatch_knows_both_ways() -> None:
    """The tests would prove nothing if no alarm ever left ALARM."""
    deployment = deployed()
    data_fails(deployment)
    name = "bionemo-on-eks-dataset-error"
    assert deployment.after(SOON).cloudwatch.states[name] == ALARM
    deployment.course.retry_data()
    assert deployment.after(2).cloudwatch.states[name] == OK
