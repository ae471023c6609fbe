"""What Ctrl-C does, and the other ways to be told to end.

It is there before all else is imported, so it imports next to nothing itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

NOTHING_LEFT = "Stopped. Nothing is left of this rehearsal."
# As the shell has it for a command that Ctrl-C has ended.
STOPPED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_at_once() -> None:
    """Let a signal end this process with one line: nothing has been started yet."""
    _handle(_leave)


def stop_in_order() -> None:
    """Let a signal be as Ctrl-C, so that what has been started is taken along."""
    _handle(_interrupt)


def _handle(act: Callable[[int, FrameType | None], None]) -> None:
    for each in _SIGNALS:
        # What the caller has had ignored stays so: nohup does that with SIGHUP.
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, act)


def _leave(number: int, frame: FrameType | None) -> None:
    # Not by an exception, which the imports that are under way could swallow, or show.
    os.write(2, f"{NOTHING_LEFT}\n".encode())
    os._exit(STOPPED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # A second Ctrl-C would break off the clearing up, which takes seconds.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGHUP:
        _write_nowhere()
    raise KeyboardInterrupt


def _write_nowhere() -> None:
    """The terminal has gone, and to write to it would be an error in the middle of clearing up."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
