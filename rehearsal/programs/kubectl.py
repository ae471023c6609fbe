"""The kubectl of the deployment's Lambda layer."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_LAYER = "KubectlLayer/Code"
_MEMBER = "kubectl/kubectl"
_REPORT_SECONDS = 10


class KubectlError(RuntimeError):
    """kubectl failed, with its own message, or cannot run here."""


class KubectlTimeoutError(KubectlError):
    """kubectl exceeded its time limit and was killed."""


def refuse_another_machine() -> None:
    """Raise KubectlError if the layer's kubectl, built for AWS Lambda, cannot run here."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise KubectlError(
            "--kubeconfig uses the kubectl of the deployment's Lambda layer, a program for Linux "
            f"on x86-64; this machine is {system} on {machine}.\n"
            "  Apply with your own kubectl instead: python -m rehearsal run --keep, then\n"
            "  kubectl apply --server-side --force-conflicts -f build/rehearsal/kubernetes"
        )


def extract(assembly: Path, folder: Path) -> Path:
    """Extract kubectl from the layer in a cloud assembly to `folder`; return its path.

    Raises KubectlError if the assembly has no such layer.
    """
    for manifest in sorted(assembly.glob("*.assets.json")):
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        for file in files.values():
            if _LAYER in file.get("displayName", ""):
                folder.mkdir(parents=True, exist_ok=True)
                with zipfile.ZipFile(assembly / file["source"]["path"]) as layer:
                    program = Path(layer.extract(_MEMBER, folder))
                program.chmod(0o755)
                return program
    raise KubectlError(f"{assembly} has no kubectl layer")


class Kubectl:
    """kubectl for one cluster; `say` gets a line when a command takes long."""

    def __init__(self, program: Path, kubeconfig: Path, say: Callable[[str], None]) -> None:
        self._program, self._kubeconfig, self._say = program, kubeconfig, say
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False

    def run(
        self, *arguments: str, items: Sequence[dict[str, Any]] | None = None, seconds: int = 60
    ) -> str:
        """Run kubectl, with `items` as the file `-`; return its output.

        Raises KubectlError if it fails, KubectlTimeoutError after that many seconds.
        """
        what = f"kubectl {' '.join(arguments[:2])}"
        process = self._start(arguments)
        try:
            given = "".join(json.dumps(each) for each in items or ())
            printed, errors = self._communicate(process, given, what, seconds)
        finally:
            _kill(process)
            with self._lock:
                self._running.discard(process)
        if process.returncode:
            # One line, because a stack's events show no more.
            message = "; ".join(line.strip() for line in errors.splitlines() if line.strip())
            raise KubectlError(f"{what} failed: {message}")
        return printed.strip()

    def close(self) -> None:
        """End what is running, and start nothing more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _kill(process)

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise KubectlError("The rehearsal was stopped")
            try:
                process = subprocess.Popen(
                    [str(self._program), *arguments, "--kubeconfig", str(self._kubeconfig)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    # Ctrl-C is for this process only, which ends kubectl and cleans up in order.
                    start_new_session=True,
                )
            except OSError as error:
                raise KubectlError(
                    f"The layer's kubectl does not run here: {error.strerror}"
                ) from None
            self._running.add(process)
        return process

    def _communicate(
        self, process: subprocess.Popen[str], given: str, what: str, seconds: int
    ) -> tuple[str, str]:
        began, text = time.monotonic(), given or None
        while True:
            try:
                return process.communicate(text, timeout=min(_REPORT_SECONDS, seconds))
            except subprocess.TimeoutExpired:
                text = None
                took = time.monotonic() - began
                if took >= seconds:
                    raise KubectlTimeoutError(f"{what} did not end within {seconds} s") from None
                self._say(f"{what} has been running for {took:.0f} s; the limit is {seconds} s.")


def _kill(process: subprocess.Popen[str]) -> None:
    # With its children, such as an exec credential plugin.
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
