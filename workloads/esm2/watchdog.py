"""A hang is a failure: it ends the process, and leaves a trace of where each thread stood."""

from __future__ import annotations

import faulthandler
import signal
import sys
from types import FrameType

# Longer than the watchdog: each process is to print its own trace, which the first one to fail
# would keep the others from.
GROUP_PATIENCE = 300.0
# The first pass, loading and export take longer than a step.
SLOW = 4


class Watchdog:
    """Ends the process, with its stack trace, unless it hears from it.

    Args:
        seconds: that a step may stand still.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # torchrun reports by standard error.
        self._out = sys.stderr

    def heard(self, slow: bool = False) -> None:
        """The training goes on; `slow`: what comes now takes longer than a step."""
        seconds = self._seconds * (SLOW if slow else 1)
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._out)

    def rest(self) -> None:
        """Watch no more."""
        faulthandler.cancel_dump_traceback_later()


class Stop:
    """Whether this process has been told to stop: by SIGTERM, or by Ctrl-C."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Take the signals from now on; a second Ctrl-C ends the process as usual."""
        signal.signal(signal.SIGTERM, self._take)
        signal.signal(signal.SIGINT, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
