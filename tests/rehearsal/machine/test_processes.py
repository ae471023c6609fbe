"""A program that is stopped takes along what it has started."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from rehearsal.machine import processes

STUBBORN = "(trap '' TERM; exec sleep 60) & echo $!; wait"


def runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_a_stopped_program_has_started_ends_even_if_it_would_not() -> None:
    started: list[str] = []

    def stop(line: str) -> None:
        started.append(line)
        # Long enough for the shell to have its signal ignored.
        time.sleep(0.2)
        assert runs(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        processes.run(["sh", "-c", STUBBORN], environment=os.environ, on_line=stop)
    deadline = time.monotonic() + 5
    while runs(*started) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(*started)
