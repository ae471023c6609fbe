"""A stopped program's children are stopped, too."""

from __future__ import annotations

import os
import time

import pytest

from rehearsal.machine import processes
from tests.rehearsal.processes import alive

STUBBORN = "(trap '' TERM; exec sleep 60) & echo $!; wait"


def test_a_child_that_ignores_the_signal_is_killed() -> None:
    started: list[str] = []

    def stop(line: str) -> None:
        started.append(line)
        # Long enough for the shell to ignore the signal.
        time.sleep(0.2)
        assert alive(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        processes.run(["sh", "-c", STUBBORN], environment=os.environ, on_line=stop)
    deadline = time.monotonic() + 5
    while alive(int(*started)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(int(*started))
