"""Starts and stops the local AWS, a separate process that listens only on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.relay import RELAY
from rehearsal.local_aws import clients
from rehearsal.local_aws.ledgers import LEDGER_FOLDER, LEDGERS
from rehearsal.local_aws.reserved import RESERVED
from rehearsal.machine.environment import ROOT, bypass_proxies, free_port, inherited
from rehearsal.machine.workspace import LOGS

_HOST = "127.0.0.1"
_START_SECONDS = 60
# A read-only call for each service.
_ASKED_FIRST = {
    "cloudformation": "list_stacks",
    "ec2": "describe_instance_type_offerings",
    "eks": "list_clusters",
    "iam": "list_roles",
    "logs": "describe_log_groups",
    "s3": "list_buckets",
    "ssm": "describe_parameters",
    "sts": "get_caller_identity",
}


class ServerError(RuntimeError):
    """The local AWS did not start, or has ended; the message has the end of its log."""


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS: its address, its log and its process."""

    endpoint: str
    log: Path
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Wait until it ends, then raise ServerError: it should have kept running."""
        self.process.wait()
        raise ServerError(_with_log("The local AWS has ended unexpectedly.", self.log))


@contextmanager
def local_aws(
    port: int, region: str, folder: Path, relay: str = "", reserved: str = ""
) -> Iterator[LocalAws]:
    """Run the local AWS during the block, on a free port if `port` is 0.

    Its log and its ledgers stay in `folder`. `relay`: the address of `rehearsal.kubernetes.relay`,
    which also gets the steps for clusters; `reserved`: as returned by `local_aws.reserved`. Raises
    ServerError if it does not start.
    """
    port = port or free_port()
    bypass_proxies()
    _refuse_a_taken(port)
    environment = {**_environment(port, region, folder), RELAY: relay, RESERVED: reserved}
    log = folder / LOGS / "local-aws.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.local_aws.emulator"],
            cwd=ROOT,
            env=environment,
            # Open while this process lives: the emulator ends with it, even after SIGKILL.
            stdin=subprocess.PIPE,
            # Ctrl-C is for this process only, which then ends the emulator.
            start_new_session=True,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            running = LocalAws(f"http://{_HOST}:{port}", log, process)
            _wait(running)
            _warm(clients.session(running.endpoint, region))
            yield running
        finally:
            _stop(process)


def _environment(port: int, region: str, folder: Path) -> dict[str, str]:
    """Return the emulator's environment; create the folders in it."""
    ledgers, temporary = folder / LEDGER_FOLDER, folder / "tmp"
    for each in (ledgers, temporary):
        each.mkdir(parents=True, exist_ok=True)
    return {
        **inherited(),
        # Not the user's own configuration, which may be malformed.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": _HOST,
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": region,
        "AWS_DEFAULT_REGION": region,
        LEDGERS: str(ledgers),
        # Clusters have no API here, and no other on this machine may be mistaken for it: the
        # emulator's default, 16443, is MicroK8s's port. Nothing listens on port 9, discard.
        "EKS_BASE_PORT": "9",
        # Its MQTT and SFTP listeners have fixed ports, which two rehearsals cannot share.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
        # It leaves a file with its process id there.
        "TMPDIR": str(temporary),
    }


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()


def _refuse_a_taken(port: int) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise ServerError(
                f"The local AWS cannot use port {port}: {error.strerror}.\n"
                "  Choose another: --port N, or --port 0 for a free one."
            ) from None


def _wait(running: LocalAws) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{running.endpoint}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise ServerError(_with_log("The local AWS did not start.", running.log))


def _warm(client: Callable[[str], Any]) -> None:
    """Call each service once, so that later calls do not time out.

    The emulator loads a service at its first call, which can block it for seconds.
    """
    for service, call in _ASKED_FIRST.items():
        getattr(client(service), call)()


def _with_log(message: str, log: Path) -> str:
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    return "\n  ".join([f"{message} Its log ends with:", *last])
