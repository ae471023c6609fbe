"""Progress output: a bar on a terminal, a line every half minute in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from spans import span

LOG_INTERVAL = 30.0
BAR_INTERVAL = 0.5
BAR_WIDTH = 30


def size(count: float) -> str:
    """`count` bytes as text, in powers of ten: 12.3 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


class Progress:
    """One stage's share, rate and time left.

    Args:
        stage: name of the stage, for the start of each line.
        total: bytes to do; None if unknown.
        done: bytes that an earlier run has done already.
        out: where to write; the form follows from whether it is a terminal.
    """

    def __init__(
        self, stage: str, total: int | None, done: int = 0, out: TextIO | None = None
    ) -> None:
        self._stage, self._total, self._first, self._done = stage, total, done, done
        self._out = out or sys.stdout
        self._bar = self._out.isatty()
        self._reported: int | None = None
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._next = self._start + (BAR_INTERVAL if self._bar else LOG_INTERVAL)
        if not self._bar:
            self._write(f"{stage}: {size(total) if total else 'size unknown'}")

    def _write(self, line: str, end: str = "\n") -> None:
        print(line, end=end, file=self._out, flush=True)

    def _line(self, elapsed: float) -> str:
        rate = (self._done - self._first) / elapsed if elapsed > 0 else 0.0
        if not self._total:
            return f"{self._stage}: {size(self._done)}, {size(rate)}/s"
        share = min(1.0, self._done / self._total)
        left = span((self._total - self._done) / rate) if rate > 0 else "unknown time"
        return f"{self._stage}: {share:4.0%} of {size(self._total)}, {size(rate)}/s, {left} left"

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """Report the progress, if it is time to.

        `done`: bytes so far; `total`: bytes in total, if that is known only now.
        """
        with self._lock:
            self._update(done, total, note)

    @contextmanager
    def kept_up(self, look: Callable[[], tuple[int, int | None, str]]) -> Iterator[None]:
        """Call update() with what `look` returns every second, even while nothing happens.

        It uses a thread: fork before, not within.
        """
        ended = threading.Event()

        def keep() -> None:
            while not ended.wait(1.0):
                self.update(*look())

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _update(self, done: int, total: int | None, note: str) -> None:
        self._done = done
        self._total = total or self._total
        now = time.monotonic()
        if now < self._next:
            return
        notes = [note, "nothing new since the last line" if done == self._reported else ""]
        self._reported = done
        line = "; ".join([self._line(now - self._start), *filter(None, notes)])
        if self._bar:
            filled = int(BAR_WIDTH * min(1.0, done / self._total)) if self._total else 0
            self._write(f"\r[{'#' * filled:<{BAR_WIDTH}}] {line}\x1b[K", end="")
            self._next = now + BAR_INTERVAL
        else:
            self._write(line)
            self._next = now + LOG_INTERVAL

    def finish(self, summary: str) -> None:
        """End the stage with `summary` and the time it took."""
        start = "\r" if self._bar else ""
        end = "\x1b[K\n" if self._bar else "\n"
        elapsed = time.monotonic() - self._start
        self._write(f"{start}{self._stage}: {summary} in {elapsed:.1f} s", end=end)
