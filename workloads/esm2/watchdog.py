"""Treats a hang as a failure: ends the process with a stack trace of each thread."""

from __future__ import annotations

import faulthandler
import signal
import sys
from types import FrameType

# Longer than the watchdog: each process should print its own trace before a failure of another
# one ends it.
GROUP_PATIENCE = 300.0
# The first pass, loading and export take longer than a step.
SLOW = 4


class Watchdog:
    """Ends the process, with a stack trace of each thread, if it is silent for too long.

    Args:
        seconds: longest time for a step.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # torchrun reports standard error.
        self._out = sys.stderr

    def heard(self, slow: bool = False) -> None:
        """The training is alive; `slow`: what comes next takes longer than a step."""
        seconds = self._seconds * (SLOW if slow else 1)
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._out)

    def rest(self) -> None:
        """Stop watching."""
        faulthandler.cancel_dump_traceback_later()


class Stop:
    """Whether this process has been told to stop: by SIGTERM, or by Ctrl-C."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Handle the signals from now on; a second Ctrl-C ends the process as usual."""
        signal.signal(signal.SIGTERM, self._take)
        signal.signal(signal.SIGINT, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
