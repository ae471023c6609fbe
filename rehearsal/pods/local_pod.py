"""Runs the data Job's pod as a process on this machine, on a small made-up FASTA file.

Also runs, on the same folders, the launcher's container that checks whether the training has
finished.

Command, arguments, environment and ConfigMap are the pod's own. Its mounts become folders here.
Appended arguments override some of the pod's: the URL of a file to download, and to fit a made-up
file, the sizes of val and test, and the global batch. The output shows the pod's own paths.
"""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.machine import processes
from rehearsal.pods.container import Container, PodError, one
from rehearsal.pods.proteins import write_fasta, write_metalink

RECORDS, VAL_SIZE, TEST_SIZE = 20_000, 500, 2_000
# Lengths of the shortest and the longest sequence.
LENGTHS = (30, 600)
QUESTION = "ask-whether-it-is-finished"
_NAME = "uniref50.fasta.gz"


@dataclass(frozen=True)
class PodResult:
    """What the pod left: number of CSV files per split, and the manifest, `_SUCCESS`."""

    files: dict[str, int]
    marker: dict[str, Any]


def run_data_job(
    ledger: Ledger,
    folder: Path,
    on_line: Callable[[str], None],
    lengths: tuple[int, int] = LENGTHS,
    fasta: Path | None = None,
) -> PodResult:
    """Run the data Job of `ledger` with its mounts under `folder`.

    What it would download is served from here: `fasta`, or a made-up file with sequences of
    `lengths` (shortest, longest). Raises PodError if the process fails.
    """
    job = one(ledger, "Job", "uniref50-download")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    local = _local(ledger, pod, container, folder)
    arguments = [] if fasta else _sizes_of_the_made_up(container["args"])
    if "--url" in container["args"]:
        with _serving(_served(folder / "served", fasta, lengths)) as address:
            _run(local, ["--url", f"{address}/{_NAME}", *arguments], on_line)
    else:
        _run(local, arguments, on_line)
    processed = local.mounts["/fsx"] / "processed"
    return PodResult(
        files={
            each.name: len(list(each.glob("*.csv")))
            for each in sorted(processed.iterdir())
            if each.is_dir()
        },
        marker=json.loads((processed / "_SUCCESS").read_text(encoding="utf-8")),
    )


def ask_for_the_launcher(
    ledger: Ledger, folder: Path, on_line: Callable[[str], None]
) -> str | None:
    """Run the launcher's check with its mounts under `folder`; return what it does next.

    None without a launcher. Raises PodError if the process fails.
    """
    for job in (each for each in ledger.objects.values() if each["kind"] == "Job"):
        pod = job["spec"]["template"]["spec"]
        for container in pod.get("initContainers", []):
            if container["name"] == QUESTION:
                local = _local(ledger, pod, container, folder)
                _run(local, [], on_line)
                spec = local.mounts["/patches"] / "spec.json"
                patch = json.loads(spec.read_text(encoding="utf-8"))
                return (
                    "resumes the PyTorchJob"
                    if patch
                    else "starts nothing: the training is finished"
                )
    return None


def _served(folder: Path, fasta: Path | None, lengths: tuple[int, int]) -> Path:
    """Create the folder to serve, with the file and its metalink."""
    folder.mkdir(parents=True, exist_ok=True)
    if fasta:
        shutil.copyfile(fasta, folder / _NAME)
    else:
        write_fasta(folder / _NAME, RECORDS, *lengths)
    write_metalink(folder / _NAME)
    return folder


def _sizes_of_the_made_up(arguments: list[str]) -> list[str]:
    """Return sizes that fit the made-up file, and a global batch if the pod gets one.

    Synth has checked the settings against each other.
    """
    sizes, batch = (
        ["--val-size", str(VAL_SIZE), "--test-size", str(TEST_SIZE)],
        "--global-batch-size",
    )
    if batch not in arguments:
        return sizes
    return [*sizes, batch, str(min(int(arguments[arguments.index(batch) + 1]), VAL_SIZE))]


def _local(
    ledger: Ledger, pod: dict[str, Any], container: dict[str, Any], folder: Path
) -> Container:
    own = folder / container["name"]
    return Container(ledger, pod, container, python=sys.executable, shared=folder, own=own)


def _run(local: Container, arguments: list[str], on_line: Callable[[str], None]) -> None:
    lines: list[str] = []

    def read(line: str) -> None:
        lines.append(local.there(line))
        on_line(lines[-1])

    status = processes.run(
        [*local.command(), *arguments], environment=local.environment({}), on_line=read
    )
    if status:
        raise PodError("\n".join([f"The pod failed with exit status {status}:", *lines[-5:]]))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server without a log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """Ignores clients that hang up: a download first reads only the response's headers."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken pipes."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
