"""The local AWS ends with the rehearsal in every case, and the rehearsal notices its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from rehearsal.machine.environment import (
    ACCOUNT,
    ROOT,
    UnsafeEnvironmentError,
    bypass_proxies,
    free_port,
    refuse_a_real_account,
)
from tests.rehearsal.processes import alive, without_aws


@contextmanager
def serving(port: int, **environment: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run `serve` behind a dead proxy; yield the process and its output."""
    with subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "serve", "--port", str(port)],
        cwd=ROOT,
        env={
            **without_aws(),
            "HTTP_PROXY": "http://127.0.0.1:9",
            "http_proxy": "http://127.0.0.1:9",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if "Ctrl-C" in line:
                break
        try:
            yield process, lines
        finally:
            process.kill()


# They wait for processes and servers.
pytestmark = pytest.mark.slow


def emulator_of(process: subprocess.Popen[str]) -> int:
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def wait_for_the_end_of(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not alive(pid):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still running")


def test_serve_prints_what_to_export_and_reports_the_emulators_end() -> None:
    port = free_port()
    with serving(port) as (process, lines):
        given = [line.removeprefix("export ") for line in lines if line.startswith("export ")]
        exports = dict(each.split("=", 1) for each in given)
        bypass_proxies()
        client = boto3.client(
            "sts",
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            region_name=exports["AWS_REGION"],
        )
        assert client.get_caller_identity()["Account"] == ACCOUNT
        # All variables that the rehearsal refuses are unset.
        (unset,) = [line for line in lines if line.startswith("unset ")]
        for name in unset.split()[1:]:
            with pytest.raises(UnsafeEnvironmentError):
                refuse_a_real_account({name: "1"})
        (ledger,) = [line for line in lines if "ledgers" in line]
        assert Path(ledger.rpartition(" ")[2]).is_dir()
        os.kill(emulator_of(process), signal.SIGKILL)
        assert process.wait(timeout=20) == 1
        assert process.stderr is not None
        assert "has ended unexpectedly" in process.stderr.read()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_emulator_ends_with_the_rehearsal(sent: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    with serving(port, TMPDIR=str(tmp_path)) as (process, _):
        emulator = emulator_of(process)
        process.send_signal(sent)
        assert process.wait(timeout=20) == (-sent if sent == signal.SIGKILL else 0)
        wait_for_the_end_of(emulator)
    if sent != signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []
    # The emulator's process id file is in this `serve`'s folder.
    assert list(tmp_path.glob("ministack-*")) == []


def test_nohup_is_respected() -> None:
    port = free_port()
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with serving(port) as (process, _):
            process.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=1)
    finally:
        signal.signal(signal.SIGHUP, ignored)


def test_a_taken_port_is_reported_with_the_remedy() -> None:
    port = free_port()
    with serving(port):
        taken = subprocess.run(
            [sys.executable, "-m", "rehearsal", "serve", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert taken.returncode == 1
    assert re.search(rf"cannot use port {port}.*\n.*--port 0", taken.stderr)
