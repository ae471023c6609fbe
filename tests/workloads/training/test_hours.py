"""The hours that the training has run: counted over starts, kept, read before the next start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hours import EVERY, FILE, Clock, hours_used


class Now:
    """A clock that a test sets, in seconds."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_they_are_counted_over_starts(tmp_path: Path) -> None:
    results, now = tmp_path / "not" / "there", Now()
    assert hours_used(results) == 0
    for expected in (2.0, 4.0):
        clock = Clock(results, now)
        now.seconds += 7200
        clock.keep()
        now.seconds += 86_400  # nothing runs
        assert hours_used(results) == pytest.approx(expected)


def test_a_kill_loses_only_minutes(tmp_path: Path) -> None:
    now = Now()
    clock = Clock(tmp_path, now)
    for _ in range(3600):
        now.seconds += 1
        clock.tick()
    assert 1 - hours_used(tmp_path) <= (EVERY + 1) / 3600
    # Each write is an upload to S3.
    before = (tmp_path / FILE).stat().st_mtime_ns
    now.seconds += 1
    clock.tick()
    assert (tmp_path / FILE).stat().st_mtime_ns == before


def test_a_failed_write_is_reported_once_and_does_not_end_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").write_text("a file")
    now = Now()
    clock = Clock(tmp_path / "results", now)
    for _ in range(3):
        now.seconds += EVERY
        clock.tick()
    assert capsys.readouterr().out.count("cannot write") == 1


@pytest.mark.parametrize("text", ["", "{", '{"hours": "many"}', "[]"])
def test_an_invalid_record_counts_as_no_hours(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    assert hours_used(tmp_path) == 0


def test_other_programs_can_read_the_record(tmp_path: Path) -> None:
    now = Now()
    clock = Clock(tmp_path, now)
    now.seconds = 5400
    clock.keep()
    assert json.loads((tmp_path / FILE).read_text()) == {"hours": 1.5}
