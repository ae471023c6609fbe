"""`bionemo logs`: the jobs' lines, from a CloudWatch that applies the filter pattern."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.ops.commands.command_line import Line
from tests.simulated.aws import Answers, denied, error, in_pages

GROUP = "/aws/containerinsights/bionemo-on-eks/application"
DATA, WORKER = "uniref50-download-0123abcd-x7k2p", "esm1nv-pretraining-worker-{}"


class Kept:
    """CloudWatch's copy of the pods' logs."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked = 0

    def print(
        self,
        pod: str,
        line: str,
        *,
        ago: timedelta = timedelta(minutes=1),
        namespace: str = "default",
    ) -> None:
        about = {"pod_name": pod, "namespace_name": namespace, "container_name": "x"}
        at = datetime.now(UTC) - ago
        self.events.append(
            {
                "eventId": str(len(self.events)),
                "timestamp": int(at.timestamp() * 1000),
                "message": json.dumps({"log": line, "stream": "stdout", "kubernetes": about}),
            }
        )

    def answer(
        self, logGroupName: str, filterPattern: str, startTime: int, **more: Any
    ) -> dict[str, Any]:
        assert logGroupName == GROUP
        self.asked += 1
        found = [
            each
            for each in self.events
            if each["timestamp"] >= startTime and fits(filterPattern, json.loads(each["message"]))
        ]
        return dict(in_pages("events", found[:2], found[2:], token="nextToken")(**more))


def fits(pattern: str, message: dict[str, Any]) -> bool:
    """Whether an event fits a pattern of `($.path = "text*") && …`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    assert re.fullmatch(r"\{( ?\(\$\.[\w.]+ = \"[^\"]*\"\) ?(&&)?)+\}", pattern), pattern
    for path, wanted in re.findall(r"\$\.([\w.]+) = \"([^\"]*)\"", pattern):
        value: Any = message
        for key in path.split("."):
            value = value.get(key, {})
        if not fnmatchcase(value, wanted):
            return False
    return True


@pytest.fixture
def kept() -> Kept:
    found = Kept()
    found.print(DATA, "read: done")
    found.print(DATA, "write: \x1b[31m150\x1b[0m files")
    for number in (0, 1, 10):
        found.print(WORKER.format(number), f"Epoch {number}: 1%|\rEpoch {number}: 2%|")
    found.print("esm1nv-launcher-1", "patched")
    found.print("uniref50-download-of-another", "no", namespace="theirs")
    return found


@pytest.fixture
def answers(kept: Kept) -> Answers:
    return {"logs.filter_log_events": kept.answer}


def test_data_prints_the_data_jobs_lines_as_text(line: Line, answers: Answers) -> None:
    done = line(answers, "logs", "data")
    assert done.exit_code == 0
    printed = [each.split(": ", 1) for each in done.stdout.splitlines()]
    assert [text for _, text in printed] == ["read: done", "write: 150 files"]
    assert all(DATA in where for where, _ in printed)


def test_training_prints_those_of_its_workers_or_of_one(line: Line, answers: Answers) -> None:
    every = line(answers, "logs", "training").stdout
    assert [each.count("worker-") for each in every.splitlines()] == [1] * 6
    one = line(answers, "logs", "training", "--worker", "1").stdout
    assert [each.rpartition(": ")[2] for each in one.splitlines()] == ["1%|", "2%|"]
    assert "worker-10" not in one


def test_without_lines_in_the_last_hour_older_ones_are_printed(
    line: Line, answers: Answers, kept: Kept
) -> None:
    kept.events.clear()
    kept.print(DATA, "long ago", ago=timedelta(days=30))
    assert "long ago" in line(answers, "logs", "data").stdout
    kept.print(DATA, "a while ago", ago=timedelta(hours=5))
    found = line(answers, "logs", "data").stdout
    assert "a while ago" in found
    assert "long ago" not in found
    assert line(answers, "logs", "data", "--hours", "2").exit_code == 1


def test_a_job_without_lines_gets_the_next_command(
    line: Line, answers: Answers, kept: Kept
) -> None:
    kept.events.clear()
    done = line(answers, "logs", "data")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "Next: ./bionemo status"


def test_json_is_for_programs(line: Line, answers: Answers) -> None:
    document = json.loads(line(answers, "logs", "data", "--json").stdout)
    assert [each["line"] for each in document] == ["read: done", "write: 150 files"]
    assert datetime.fromisoformat(document[0]["at"]).tzinfo is not None
    assert line(answers, "logs", "data", "--json", "--follow").exit_code == 2


def then(*steps: Callable[[], None]) -> Callable[[float], None]:
    """Replaces `sleep`: each call runs the next step; the one after the last is Ctrl-C."""
    left = iter(steps)

    def pause(seconds: float) -> None:
        step = next(left, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    return pause


def test_follow_prints_each_line_once(
    line: Line, answers: Answers, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late() -> None:
        kept.print(DATA, "late", ago=timedelta(seconds=80))

    def fresh() -> None:
        kept.print(DATA, "fresh", ago=timedelta())

    def nothing() -> None:
        pass

    monkeypatch.setattr(time, "sleep", then(late, fresh, nothing))
    done = line(answers, "logs", "data", "--follow")
    assert done.exit_code == 0
    printed = [each.split(": ", 1)[1] for each in done.stdout.splitlines()]
    assert printed == ["read: done", "write: 150 files", "late", "fresh"]


def test_follow_survives_throttling(
    line: Line, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing: list[Exception] = []

    def answer(**asked: Any) -> dict[str, Any]:
        if failing:
            raise failing.pop()
        return kept.answer(**asked)

    def throttled() -> None:
        failing.append(error("FilterLogEvents", "ThrottlingException"))

    def fresh() -> None:
        kept.print(DATA, "fresh", ago=timedelta())

    monkeypatch.setattr(time, "sleep", then(throttled, fresh))
    done = line({"logs.filter_log_events": answer}, "logs", "data", "-f")
    assert "throttles" in done.stderr
    assert "fresh" in done.stdout


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (denied("FilterLogEvents"), "not allowed to call FilterLogEvents"),
        (error("FilterLogEvents", "ResourceNotFoundException"), "is not deployed"),
    ],
)
def test_a_log_that_cannot_be_read_is_reported(line: Line, answer: Any, message: str) -> None:
    done = line({"logs.filter_log_events": answer}, "logs", "data")
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_a_worker_of_the_data_job_is_refused(line: Line) -> None:
    done = line({}, "logs", "data", "--worker", "0")
    assert done.exit_code == 2
    assert "--worker is for training" in done.stderr
