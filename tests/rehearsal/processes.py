"""The rehearsal's command line as a process, and whether a process is alive."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.machine.environment import ROOT


def without_aws() -> dict[str, str]:
    """Return the environment without the user's AWS configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def rehearsal(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m rehearsal` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", *arguments],
        cwd=ROOT,
        env=without_aws() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@contextmanager
def started(
    *before: str, arguments: tuple[str, ...] = (), **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Start `python -m rehearsal run`; `before` are options for Python itself."""
    with subprocess.Popen(
        [sys.executable, *before, "-m", "rehearsal", "run", *arguments],
        cwd=ROOT,
        env=without_aws() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def alive(pid: int) -> bool:
    """Whether a process is running; a zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
