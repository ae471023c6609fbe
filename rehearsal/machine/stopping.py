"""Handles Ctrl-C and the other signals that end a rehearsal.

It is set up before anything else is imported, so it imports almost nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

NOTHING_LEFT = "Stopped. Nothing is left of this rehearsal."
# The shell's status for a command ended with Ctrl-C.
STOPPED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_at_once() -> None:
    """Let a signal end this process with one line, because nothing has started yet."""
    _handle(_leave)


def stop_in_order() -> None:
    """Let a signal act as Ctrl-C, so that whatever has started is stopped."""
    _handle(_interrupt)


def _handle(act: Callable[[int, FrameType | None], None]) -> None:
    for each in _SIGNALS:
        # Signals that the caller ignores stay ignored, as SIGHUP with nohup.
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, act)


def _leave(number: int, frame: FrameType | None) -> None:
    # Not with an exception, which imports in progress could swallow or print.
    os.write(2, f"{NOTHING_LEFT}\n".encode())
    os._exit(STOPPED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # A second Ctrl-C would interrupt the cleanup, which takes seconds.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGHUP:
        _write_nowhere()
    raise KeyboardInterrupt


def _write_nowhere() -> None:
    """Discard output: writing to the closed terminal would fail during the cleanup."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
