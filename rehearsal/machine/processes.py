"""Runs a program for its lines, and takes it along when the rehearsal is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_GRACE_SECONDS = 5


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path | None = None,
    on_line: Callable[[str], None],
) -> int:
    """Run `command`, hand on each line of its output and errors; return its exit status.

    Raises OSError when there is no such program. When the caller is stopped, the program is, with
    whatever it has started: it has a process group of its own.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        assert process.stdout is not None  # it is a pipe
        try:
            for line in process.stdout:
                on_line(line.rstrip())
            return process.wait()
        finally:
            if process.returncode is None:
                _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GRACE_SECONDS)
    # What it has started may take longer, and would still write into folders that are to go.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def kill_all(pid: int) -> None:
    """Kill a process and all that it has started, however many sessions they have (Linux).

    Stopped first, so that none starts another one meanwhile, nor is taken over by anybody.
    """
    found: list[int] = []
    todo = [pid]
    while todo:
        each = todo.pop()
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGSTOP)
            found.append(each)
            todo += _children(each)
    for each in found:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, tasks.read_text().split())
    return found
