"""Runs a program and reads its lines; stops it when the rehearsal is stopped."""

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
    """Run `command`, pass on each line of its output and errors; return its exit status.

    Raises OSError if there is no such program. The program has its own process group, which is
    stopped as a whole with the caller.
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
    # Its children may take longer, and still write to folders that are being removed.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def kill_all(pid: int) -> None:
    """Kill a process and all its descendants, whatever their sessions (Linux).

    All are stopped first, so that meanwhile none starts another or is reparented.
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
