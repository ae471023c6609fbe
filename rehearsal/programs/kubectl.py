"""The kubectl that the deployment itself would use: the one in the pinned layer."""

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
_TELL_SECONDS = 10


class KubectlError(RuntimeError):
    """kubectl refused, or is not to be had; the text is its own."""


class KubectlTimeoutError(KubectlError):
    """kubectl has been ended after the time that it had."""


def refuse_another_machine() -> None:
    """Raise KubectlError where the layer's kubectl, made for AWS Lambda, cannot run."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise KubectlError(
            "--kubeconfig takes the kubectl of the deployment's own layer, a program for Linux on "
            f"x86-64; this machine is {system} on {machine}.\n"
            "  Apply with your own instead: python -m rehearsal run --keep, then\n"
            "  kubectl apply --server-side --force-conflicts -f build/rehearsal/kubernetes"
        )


def extract(assembly: Path, folder: Path) -> Path:
    """Take kubectl out of the layer in a cloud assembly; return its path in `folder`.

    Raises KubectlError when the assembly holds no such layer.
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
    raise KubectlError(f"{assembly} holds no kubectl layer")


class Kubectl:
    """A kubectl, and the cluster that it talks to; `tell` hears of what takes long."""

    def __init__(self, program: Path, kubeconfig: Path, tell: Callable[[str], None]) -> None:
        self._program, self._kubeconfig, self._tell = program, kubeconfig, tell
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False

    def run(
        self, *arguments: str, items: Sequence[dict[str, Any]] | None = None, seconds: int = 60
    ) -> str:
        """Run kubectl, with `items` as the file `-`; return what it prints.

        Raises KubectlError when it fails, KubectlTimeoutError when that many seconds are over.
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
            # One line: a stack's events show no more.
            said = "; ".join(line.strip() for line in errors.splitlines() if line.strip())
            raise KubectlError(f"{what} failed: {said}")
        return printed.strip()

    def close(self) -> None:
        """End what runs, and start nothing more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _kill(process)

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise KubectlError("The rehearsal has been stopped")
            try:
                process = subprocess.Popen(
                    [str(self._program), *arguments, "--kubeconfig", str(self._kubeconfig)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    # Ctrl-C is for this process; what has begun is ended, and cleared, in order.
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
                return process.communicate(text, timeout=min(_TELL_SECONDS, seconds))
            except subprocess.TimeoutExpired:
                text = None
                took = time.monotonic() - began
                if took >= seconds:
                    raise KubectlTimeoutError(f"{what} has not ended after {seconds} s") from None
                self._tell(f"{what} has run for {took:.0f} s, of {seconds} at most.")


def _kill(process: subprocess.Popen[str]) -> None:
    # With what it has started, such as a program that gets it a token.
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
