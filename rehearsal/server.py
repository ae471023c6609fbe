"""Starts and stops the local AWS, a process of its own on a port of this machine alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.adapters_kubectl import LEDGERS
from rehearsal.environment import ROOT

# Where the ledgers are, below the folder given.
LEDGER_FOLDER = "ledgers"
_HOST = "127.0.0.1"
_START_SECONDS = 60


class ServerError(RuntimeError):
    """The local AWS did not start; the text says where its log is."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def local_aws(port: int, region: str, folder: Path) -> Iterator[str]:
    """Run the local AWS while the block runs; yield its endpoint.

    Its log and its ledgers stay in `folder`. Raises ServerError when it does not start.
    """
    ledgers = folder / LEDGER_FOLDER
    ledgers.mkdir(parents=True, exist_ok=True)
    _refuse_a_taken(port)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "GATEWAY_PORT": str(port),
        "BIND_HOST": _HOST,
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": region,
        "AWS_DEFAULT_REGION": region,
        LEDGERS: str(ledgers),
        # Its MQTT and SFTP listeners have fixed ports, which two rehearsals could not share.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
    }
    log = folder / "local-aws.log"
    with log.open("w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.emulator"],
            cwd=ROOT,
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            endpoint = f"http://{_HOST}:{port}"
            _wait(endpoint, process, log)
            yield endpoint
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _refuse_a_taken(port: int) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise ServerError(
                f"The local AWS cannot have port {port}: {error.strerror}.\n"
                "  Give another: --port N, or none for one that is free."
            ) from None


def _wait(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    raise ServerError("The local AWS did not start. Its log ends with:\n  " + "\n  ".join(last))
