"""The watch suspends the training before its Capacity Block ends, and a message reports it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from acts import Limits
from bionemo_eks.configuration.purchase import (
    EKS_SCALES_DOWN_MINUTES,
    SUSPENDED_BEFORE_END_MINUTES,
)
from block_end import BlockEnd
from capacity_block import Block
from tests.workloads.watch.course import START
from tests.workloads.watch.deployment import NAMESPACE, Deployment, deployed
from watch_jobs import Watch

HOURS = 24
END = START + timedelta(hours=HOURS)
MARGIN = timedelta(minutes=SUSPENDED_BEFORE_END_MINUTES)
AWAY = EndpointConnectionError(endpoint_url="https://ec2.example")


class SomeBlock:
    """A block until `end`, which EC2 reports or not."""

    def __init__(self, end: datetime | None, state: str = "active") -> None:
        self.end, self.state, self.answers = end, state, True

    def look(self) -> Block:
        if not self.answers:
            raise AWAY
        return Block("cr-1", self.state, START, self.end, MARGIN)


def watched(deployment: Deployment, block: SomeBlock) -> Callable[[int], Deployment]:
    """Let minutes pass, with one look of the watch in each."""
    course = deployment.course

    def publish(metrics: dict[str, float], now: datetime) -> None:
        deployment.cloudwatch.publish(NAMESPACE, metrics)

    watch = Watch(course.look, publish, course.change, Limits(), BlockEnd(block).deadlines)

    def after(minutes: int) -> Deployment:
        for _ in range(minutes):
            watch.once()
            deployment.cloudwatch.tick()
            course.passes()
        return deployment

    return after


def trains() -> Deployment:
    deployment = deployed()
    deployment.course.end_data("Complete")
    deployment.course.end_launcher()
    deployment.course.nodes_come()
    return deployment


def test_the_training_is_suspended_before_eks_terminates_the_nodes_with_one_message() -> None:
    deployment = trains()
    after = watched(deployment, SomeBlock(END))
    after(HOURS * 60 - int(deployment.course.minute) - SUSPENDED_BEFORE_END_MINUTES)
    assert deployment.course.workers
    assert deployment.mails() == []
    after(SUSPENDED_BEFORE_END_MINUTES - EKS_SCALES_DOWN_MINUTES)
    assert not deployment.course.workers
    assert deployment.mails() == ["training-out-of-time"]
    assert "the Capacity Block cr-1 ends at 2026-11-27 12:00 UTC" in str(deployment.course.training)
    assert after(600).mails() == ["training-out-of-time"]


def test_in_a_later_block_it_resumes_and_that_ones_end_is_reported_too() -> None:
    deployment = trains()
    watched(deployment, SomeBlock(START))(5)
    assert deployment.mails() == ["training-out-of-time"]
    deployment.course.retry_training()
    deployment.course.nodes_come()
    later = deployment.course.now + MARGIN + timedelta(minutes=30)
    after = watched(deployment, SomeBlock(later))
    after(20)
    assert deployment.course.workers
    after(40)
    assert not deployment.course.workers
    assert deployment.mails() == ["training-out-of-time"] * 2


def test_an_extended_block_gives_more_time() -> None:
    deployment, block = trains(), SomeBlock(START + MARGIN + timedelta(hours=1))
    after = watched(deployment, block)
    after(20)
    block.end = END
    after(120)
    assert deployment.course.workers


def test_a_known_end_counts_when_ec2_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    deployment, block = trains(), SomeBlock(START + MARGIN + timedelta(hours=1))
    after = watched(deployment, block)
    after(1)
    block.answers = False
    after(90)
    assert not deployment.course.workers
    assert "error" not in capsys.readouterr().out


def test_an_unknown_end_is_logged_and_the_states_are_still_published(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment, block = trains(), SomeBlock(END)
    block.answers = False
    deployment.course.end_training("Failed")
    watched(deployment, block)(5)
    assert deployment.mails() == ["training-failed"]
    assert "ec2.example" in capsys.readouterr().out


def test_a_block_that_ec2_has_ended_stops_the_training_at_once() -> None:
    deployment = trains()
    watched(deployment, SomeBlock(None, "cancelled"))(1)
    assert not deployment.course.workers
