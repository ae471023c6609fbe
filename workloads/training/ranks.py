"""The processes of one worker in one round: torchrun and its ranks."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends.

    The first process of a container already is. So `Ranks.end` finds all that are left.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(parent: int) -> list[int]:
    """Return the ids of the running child processes of `parent`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in brackets, may contain anything: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
            state, its_parent = path.read_text().rpartition(")")[2].split()[:2]
            if int(its_parent) == parent and state != "Z":
                found.append(int(path.parent.name))
    return found


class Ranks:
    """One start of `command`, with `more` added to its environment."""

    def __init__(self, command: Sequence[str], more: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(command, env={**os.environ, **more})
        self._warned = False

    def status(self) -> int | None:
        """Return its exit status (negative: a signal); None while it runs."""
        return self._process.poll()

    def warn(self) -> None:
        """Send the ranks SIGTERM, once only: NeMo's handler ends at a second one.

        Not torchrun: it would kill its ranks 30 s later, and exit with status 1 whatever they do.
        https://github.com/pytorch/pytorch/blob/v2.13.0/torch/distributed/elastic/multiprocessing/api.py
        """
        if self._warned or self._process.poll() is not None:
            return
        self._warned = True
        for rank in children(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(rank, signal.SIGTERM)

    def working(self) -> bool:
        """Whether a rank still runs; torchrun may run without any, waiting for other workers'."""
        return self._process.poll() is None and bool(children(self._process.pid))

    def end(self) -> None:
        """Kill all processes that are left, and wait for their end."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        while left := children(os.getpid()):
            for each in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.01)
