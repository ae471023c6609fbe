"""The watch suspends a training before its Capacity Block ends, and a person hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api_server import ApiError, ApiServer
from bionemo_eks.configuration.purchase import (
    EKS_SCALES_DOWN_MINUTES,
    SUSPENDED_BEFORE_END_MINUTES,
)
from bionemo_eks.jobs.places import NOTES
from block_end import block_end
from capacity_block import Block
from cloudwatch_metrics import values
from job_states import states
from suspension import Stop, Suspension, patch
from tests.ops.cluster_api import PYTORCH, Cluster, serving
from tests.workloads.watch.course import START, TRAINING, Course
from tests.workloads.watch.test_mails import NAMESPACE, Deployment, deployed
from watch_jobs import Watch

HOURS = 24
END = START + timedelta(hours=HOURS)


class SomeBlock:
    """A block that is there until `end`."""

    def __init__(self, end: datetime) -> None:
        self.end = end

    def look(self) -> Block:
        margin = timedelta(minutes=SUSPENDED_BEFORE_END_MINUTES)
        return Block("cr-1", "active", START, self.end, margin)


class OnTheCourse(ApiServer):
    """An API server that changes the training of a course."""

    def __init__(self, course: Course) -> None:
        self._course = course

    def patch(self, group_version: str, plural: str, name: str, body: Any) -> None:
        assert (group_version, plural, name) == ("kubeflow.org/v1", "pytorchjobs", TRAINING)
        assert self._course.training is not None
        metadata = self._course.training["metadata"]
        metadata["annotations"] = metadata.get("annotations", {}) | body["metadata"]["annotations"]
        assert body["spec"] == {"runPolicy": {"suspend": True}}
        self._course.suspend()


def watched(deployment: Deployment, end: datetime) -> Callable[[int], Deployment]:
    """Let minutes pass, in which the watch looks once each."""
    course = deployment.course
    suspension = Suspension(OnTheCourse(course), TRAINING, [block_end(SomeBlock(end))])  # type: ignore[arg-type]

    def publish(metrics: dict[str, float], now: datetime) -> None:
        deployment.cloudwatch.publish(NAMESPACE, metrics)

    watch = Watch(course.look, publish, suspension.look)

    def goes_on(minutes: int) -> Deployment:
        for _ in range(minutes):
            watch.once()
            deployment.cloudwatch.tick()
            course.minute += 1
        return deployment

    return goes_on


def trains() -> Deployment:
    deployment = deployed()
    deployment.course.end_data("Complete")
    deployment.course.end_launcher()
    deployment.course.nodes_come()
    return deployment


def test_the_training_is_suspended_before_eks_takes_the_nodes_and_one_mail_says_so() -> None:
    deployment = trains()
    goes_on = watched(deployment, END)
    before = HOURS * 60 - int(deployment.course.minute) - SUSPENDED_BEFORE_END_MINUTES
    goes_on(before)
    assert deployment.course.workers
    assert deployment.mails() == []
    goes_on(SUSPENDED_BEFORE_END_MINUTES - EKS_SCALES_DOWN_MINUTES)
    assert not deployment.course.workers
    assert deployment.mails() == ["training-suspended"]
    goes_on(600)
    assert deployment.mails() == ["training-suspended"]


def test_in_a_later_block_it_goes_on_and_the_next_end_is_told_too() -> None:
    deployment = trains()
    watched(deployment, START)(5)
    assert deployment.mails() == ["training-suspended"]
    training = deployment.course.training
    assert training is not None
    # The launcher's steps for the new block.
    training["metadata"]["annotations"].pop(NOTES)
    deployment.course.start_training()
    deployment.course.nodes_come()
    later = deployment.course.now + timedelta(minutes=SUSPENDED_BEFORE_END_MINUTES + 30)
    goes_on = watched(deployment, later)
    goes_on(20)
    assert deployment.course.workers
    goes_on(40)
    assert not deployment.course.workers
    assert deployment.mails() == ["training-suspended"] * 2


def test_a_person_who_starts_it_in_the_last_hour_sees_it_suspended_again() -> None:
    deployment = trains()
    goes_on = watched(deployment, START)
    goes_on(3)
    deployment.course.start_training()
    goes_on(3)
    assert not deployment.course.workers


def test_what_nobody_has_suspended_for_an_end_is_no_mail() -> None:
    deployment = trains()
    deployment.course.suspend()
    watched(deployment, END)(60)
    assert deployment.mails() == []


def test_a_block_that_cannot_be_asked_for_leaves_the_states_told() -> None:
    course, published = Course(), list[Any]()
    course.deploy()
    course.start_training()

    def silent(seen: Any) -> str:
        raise ApiError("no answer")

    Watch(course.look, lambda *each: published.append(each), silent).once()
    assert published == [(values(states(course.look())), course.now)]


def test_the_notes_of_a_run_are_kept() -> None:
    training = {"metadata": {"annotations": {NOTES: '{"hours_used": 3}', "other": "x"}}}
    body = patch(training, Stop("capacity-block", "it ends"))
    assert json.loads(body["metadata"]["annotations"][NOTES]) == {
        "hours_used": 3,
        "stopped_by": "capacity-block",
        "stopped_why": "it ends",
    }
    for broken in ({}, {"annotations": {NOTES: "{"}}, {"annotations": {NOTES: "[]"}}):
        noted = patch({"metadata": broken}, Stop("a", "b"))["metadata"]["annotations"][NOTES]
        assert json.loads(noted) == {"stopped_by": "a", "stopped_why": "b"}


def test_the_api_server_gets_a_merge_patch_of_that_one_object(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token")
    cluster = Cluster()
    cluster.lists = {PYTORCH: [{"metadata": {"name": TRAINING}, "spec": {}}]}
    body = patch({"metadata": {}}, Stop("a", "b"))
    with serving(cluster) as client:
        api = ApiServer(client.configuration.host, "default", tmp_path)
        api.patch("kubeflow.org/v1", "pytorchjobs", TRAINING, body)
        with pytest.raises(ApiError, match="another is not there"):
            api.patch("kubeflow.org/v1", "pytorchjobs", "another", body)
    assert cluster.patched == [(TRAINING, "application/merge-patch+json", body)]
