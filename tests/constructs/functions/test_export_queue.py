"""The wait for the export queue to S3, which delays the removal of the file system."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from bionemo_eks.functions import await_export as function

FILE_SYSTEM = "fs-0123456789abcdef0"
Queue = Callable[[float], float | None]


class Clock:
    """Time that passes while the function sleeps, and CloudWatch's values of that time."""

    def __init__(self, queue: Queue) -> None:
        self.began = self.now = datetime(2026, 11, 24, 12, 0, 20, tzinfo=UTC)
        self.queue = queue

    @property
    def seconds(self) -> float:
        return (self.now - self.began).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        """A value for each whole minute; it comes a minute after that minute has ended."""
        minute: datetime = asked["StartTime"]
        points: list[dict[str, Any]] = []
        while minute + timedelta(minutes=2) <= self.now:
            value = self.queue((minute - self.began).total_seconds())
            if value is not None:
                points.insert(0, {"Timestamp": minute, "Maximum": value})
            minute += timedelta(minutes=1)
        return {"Datapoints": points}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Queue], Clock]:
    def make(queue: Queue) -> Clock:
        made = Clock(queue)
        monkeypatch.setattr("time.sleep", made.sleep)

        class Datetime(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return made.now

        monkeypatch.setattr(function, "datetime", Datetime)
        return made

    return make


def wait(clock: Clock, seconds: float = 900) -> None:
    function.await_export(clock, FILE_SYSTEM, lambda: seconds - clock.seconds)


def test_it_waits_until_the_queue_is_empty_for_a_whole_minute_after_the_request(clock: Any) -> None:
    at = clock(lambda second: 0.0)
    wait(at)
    # The first whole minute after the request ends 100 s after it, and is published a minute later.
    assert 90 <= at.seconds <= 180


def test_it_waits_for_what_is_queued(clock: Any) -> None:
    at = clock(lambda second: 400.0 if second < 300 else 0.0)
    wait(at)
    assert at.seconds >= 300


def test_without_any_value_it_waits_five_minutes(clock: Any) -> None:
    at = clock(lambda second: None)
    wait(at)
    assert 300 <= at.seconds <= 330


def test_it_gives_up_in_time_and_says_how_long_the_oldest_waits(clock: Any) -> None:
    at = clock(lambda second: 5087.0)
    with pytest.raises(function.StillQueuedError, match=rf"{FILE_SYSTEM} .*oldest for 5087 s"):
        wait(at)
    # Lambda would end it at 900 s, and CloudFormation would wait an hour for an answer.
    assert 800 <= at.seconds <= 880


@pytest.mark.slow
def test_its_request_is_one_that_cloudwatch_accepts() -> None:
    client = boto3.client(
        "cloudwatch", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x"
    )
    older, newer = (datetime(2026, 11, 24, 12, minute, tzinfo=UTC) for minute in (1, 2))
    with Stubber(client) as stubber:
        stubber.add_response(
            "get_metric_statistics",
            {
                "Datapoints": [
                    {"Timestamp": newer, "Maximum": 7.0},
                    {"Timestamp": older, "Maximum": 90.0},
                ]
            },
            {
                "Namespace": "AWS/FSx",
                "MetricName": "AgeOfOldestQueuedMessage",
                "Dimensions": [
                    {"Name": "FileSystemId", "Value": FILE_SYSTEM},
                    {"Name": "Publisher", "Value": "AutoExport"},
                ],
                "StartTime": older,
                "EndTime": ANY,
                "Period": 60,
                "Statistics": ["Maximum"],
            },
        )
        assert function.oldest_queued(client, FILE_SYSTEM, older) == 7.0
