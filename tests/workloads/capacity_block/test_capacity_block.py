"""A Capacity Block as EC2 reports it, and the launcher's wait for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

import wait_for_block
from capacity_block import Block, CapacityBlock
from wait_for_block import EXIT_OVER, wait

NAME = "cr-0123456789abcdef0"
START = datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
END = START + timedelta(days=4)
MARGIN = timedelta(minutes=50)


def block(state: str) -> Block:
    return Block(NAME, state, START, END, MARGIN)


def test_ec2_is_asked_for_the_block_and_its_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    asked = CapacityBlock(NAME, "us-east-2", 50)
    row = {"State": "active", "StartDate": START, "EndDate": END}
    with Stubber(asked._client) as stub:
        stub.add_response(
            "describe_capacity_reservations",
            {"CapacityReservations": [row]},
            {"CapacityReservationIds": [NAME]},
        )
        assert asked.look() == block("active")


@pytest.mark.parametrize(
    ("before_the_end", "over"),
    [(timedelta(days=4), False), (timedelta(minutes=51), False), (MARGIN, True)],
)
def test_a_block_is_over_some_time_before_its_end(before_the_end: timedelta, over: bool) -> None:
    reason = block("active").over(END - before_the_end)
    assert bool(reason) is over
    assert not over or "2026-12-05 11:30 UTC" in reason


@pytest.mark.parametrize("state", ["expired", "cancelled", "failed", "payment-failed"])
def test_a_block_that_does_not_come_back_is_over(state: str) -> None:
    assert state in block(state).over(START)


@pytest.mark.parametrize("state", ["scheduled", "payment-pending", "a word of tomorrow"])
def test_a_block_that_may_still_begin_is_to_come(state: str) -> None:
    assert block(state).is_to_come()
    assert not block(state).over(START)


def waited(*looks: Block | Exception) -> tuple[int, int]:
    """The exit status, and how often it paused."""
    left, pauses = list(looks), list[float]()

    def look() -> Block:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return wait(look, lambda: START, pauses.append), len(pauses)


def test_it_waits_for_the_start_and_says_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert waited(block("scheduled"), block("scheduled"), block("active")) == (0, 2)
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0] == f"waiting for the Capacity Block {NAME}: scheduled, from 2026-12-01 11:30 UTC"
    )
    assert len(lines) == 2


def test_it_keeps_waiting_without_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    away = EndpointConnectionError(endpoint_url="https://ec2.example")
    assert waited(away, block("active")) == (0, 1)
    assert capsys.readouterr().out.startswith("error: ")


def test_a_block_that_is_over_starts_nothing_and_is_not_retried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert waited(block("expired")) == (EXIT_OVER, 0)
    assert "preflight --offers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("patch", "to_be_started"),
    [
        ({"spec": {"runPolicy": {"suspend": False}}}, True),
        ({}, False),
        ({"metadata": {"annotations": {"why": "out of hours"}}}, False),
    ],
)
def test_a_training_that_will_not_start_does_not_wait_for_a_block(
    patch: dict[str, Any], to_be_started: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spec.json").write_text(json.dumps(patch))
    asked: list[Callable[[], Block]] = []

    def noted(look: Callable[[], Block]) -> int:
        asked.append(look)
        return 0

    monkeypatch.setattr(wait_for_block, "wait", noted)
    options = ["--block", NAME, "--region", "us-east-2", "--margin", "50"]
    assert wait_for_block.main([*options, "--patch", str(tmp_path / "spec.json")]) == 0
    assert bool(asked) is to_be_started
