"""A stopped program's children are stopped, too."""

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


def test_a_child_that_ignores_the_signal_is_killed() -> None:
    started: list[str] = []

    def stop(line: str) -> None:
        started.append(line)
        # Long enough for the shell to ignore the signal.
        time.sleep(0.2)
        assert runs(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        processes.run(["sh", "-c", STUBBORN], environment=os.environ, on_line=stop)
    deadline = time.monotonic() + 5
    while runs(*started) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(*started)
