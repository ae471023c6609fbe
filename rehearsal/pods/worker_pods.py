"""The PyTorchJob's worker pods as processes on this machine: started, killed, restarted.

Command, arguments, environment and volumes are those that the training operator gives to the pods,
except for what this machine lacks: host names and a network between hosts, so the rendezvous is at
127.0.0.1; and GPUs, so appended arguments override some of the pod's.
"""

from __future__ import annotations

import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.machine import processes
from rehearsal.machine.environment import free_port
from rehearsal.pods.container import Container, PodError
from rehearsal.pods.view import workers

# An option of the start program: more checks than in a cluster, where each costs file I/O.
_BEAT = ("--beat", "0.5")
_LAST_LINES = 15


class _Worker:
    """One pod: its container runs, has ended, or is restarted in the same pod."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        on_line: Callable[[str], None],
    ) -> None:
        self.name = name
        self._command, self._environment, self._on_line = command, environment, on_line
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # it is a pipe
        for line in process.stdout:
            self._on_line(line.rstrip())

    def status(self) -> int | None:
        return self._process.poll()

    def kill(self) -> None:
        """Kill the container with all its processes at once."""
        if self._process.poll() is None:
            processes.kill_all(self._process.pid)
            self._process.wait()


class WorkerPods:
    """All worker pods of the ledger's PyTorchJob.

    `folder` has their volumes; the claim's is the data Job's. `python`: an interpreter with the
    image's packages. `last`: arguments to append. `on_line` gets the pod's number and each line
    that it prints.
    """

    def __init__(
        self,
        ledger: Ledger,
        folder: Path,
        python: str,
        last: Sequence[str],
        on_line: Callable[[int, str], None],
    ) -> None:
        self._ledger, self._folder, self._python = ledger, folder, python
        self._last, self._on_line = last, on_line
        self._port = free_port()
        self._lines: list[str] = []
        self.pods = [self._start(number, pod) for number, pod in enumerate(workers(ledger))]

    def _start(self, number: int, pod: dict[str, Any]) -> _Worker:
        spec, name = pod["spec"], pod["metadata"]["name"]
        (container,) = [each for each in spec["containers"] if each["name"] == "pytorch"]
        own = self._folder / name
        local = Container(
            self._ledger, spec, container, python=self._python, shared=self._folder, own=own
        )

        def read(line: str) -> None:
            line = local.there(line)
            self._lines.append(f"worker-{number}: {line}")
            self._on_line(number, line)

        environment = local.environment({"metadata.uid": str(uuid.uuid4())})
        return _Worker(name, self._command(local, name), self._here(number, environment), read)

    def _command(self, local: Container, name: str) -> list[str]:
        """The pod's command, plus its name, which a container takes from the host name."""
        whole = local.command()
        end = whole.index("--")
        return [*whole[:end], "--name", name, *_BEAT, *whole[end:], *self._last]

    def _here(self, number: int, environment: dict[str, str]) -> dict[str, str]:
        """The pod's environment, with this machine's addresses instead of the cluster's."""
        conf = f"{environment['PET_RDZV_CONF']},is_host={str(number == 0).lower()}"
        return {
            **environment,
            "PET_RDZV_CONF": conf,
            "PET_RDZV_ENDPOINT": f"127.0.0.1:{self._port}",
            "PET_LOCAL_ADDR": "127.0.0.1",
            # Workers share this machine's cores.
            "OMP_NUM_THREADS": "1",
            "HOME": str(self._folder),
        }

    def kill(self, number: int) -> None:
        """Kill a container and restart it, as the kubelet does with restartPolicy OnFailure."""
        self.pods[number].kill()
        self.pods[number].start()

    def wait(self, seconds: float) -> None:
        """Wait until all have succeeded; PodError if one fails, or some do not end in time.

        The training operator counts the first success as the job's.
        """
        until = time.monotonic() + seconds
        while None in (statuses := [pod.status() for pod in self.pods]):
            if any(statuses) or time.monotonic() > until:
                break
            time.sleep(0.1)
        if statuses == [0] * len(statuses):
            return
        what = ", ".join(
            f"{pod.name} {'is running' if status is None else f'ended with status {status}'}"
            for pod, status in zip(self.pods, statuses, strict=True)
        )
        raise PodError("\n".join([f"The training failed: {what}", *self.last_lines()]))

    def last_lines(self) -> list[str]:
        """Return the last lines that they printed."""
        return self._lines[-_LAST_LINES:]

    def end(self) -> None:
        """Kill what is left."""
        for pod in self.pods:
            pod.kill()


@contextmanager
def worker_processes(
    ledger: Ledger,
    folder: Path,
    python: str,
    last: Sequence[str],
    on_line: Callable[[int, str], None],
) -> Iterator[WorkerPods]:
    """Yield the running worker pods; kill what is left at the end."""
    found = WorkerPods(ledger, folder, python, last, on_line)
    try:
        yield found
    finally:
        found.end()
