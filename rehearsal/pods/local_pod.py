"""Runs the data Job's pod as a process of this machine, on a small made-up FASTA file.

Then the launcher's container that asks whether the training is finished, on the same folders.

Command, arguments, environment and ConfigMap are the pod's own. Its mounts become folders here, and
some arguments are put last, so that they win: the file's address, two sizes that fit it, and no
larger a global batch than these have. What the pod prints shows its own paths.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.machine import processes

RECORDS, VAL_SIZE, TEST_SIZE = 20_000, 500, 2_000
QUESTION = "ask-whether-it-is-finished"
_LETTERS = "ACDEFGHIKLMNPQRSTVWY"
_NAME = "uniref50.fasta.gz"


class PodError(RuntimeError):
    """The pod's process failed; the text holds its last lines."""


@dataclass(frozen=True)
class PodResult:
    """What the pod left: files a split, and the counts that it wrote down."""

    files: dict[str, int]
    marker: dict[str, Any]


def run_data_job(ledger: Ledger, folder: Path, on_line: Callable[[str], None]) -> PodResult:
    """Run the data Job of `ledger` with its mounts below `folder`.

    Raises PodError when the process fails or leaves other than it says.
    """
    job = _one(ledger, "Job", "uniref50-download")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = _mount(ledger, pod, container, folder)
    served = folder / "served"
    _make_fasta(served / _NAME)
    with _serving(served) as address:
        arguments = [
            *("--url", f"{address}/{_NAME}"),
            *("--val-size", str(VAL_SIZE), "--test-size", str(TEST_SIZE)),
            *_smaller_batch(container["args"]),
        ]
        _run(container, mounts, arguments, on_line)
    processed = mounts["/fsx"] / "processed"
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
    """Run the launcher's question with its mounts below `folder`; return how it goes on.

    None without a launcher. Raises PodError when the process fails.
    """
    for job in (each for each in ledger.objects.values() if each["kind"] == "Job"):
        pod = job["spec"]["template"]["spec"]
        for container in pod.get("initContainers", []):
            if container["name"] == QUESTION:
                mounts = _mount(ledger, pod, container, folder)
                _run(container, mounts, [], on_line)
                patch = json.loads((mounts["/patches"] / "spec.json").read_text(encoding="utf-8"))
                return "lifts the suspension" if patch else "starts nothing: it is finished"
    return None


def _smaller_batch(arguments: list[str]) -> list[str]:
    """Return the global batch, where the pod is told one, as small as the data that it gets here.

    The settings have been held against each other at synth.
    """
    option = "--global-batch-size"
    if option not in arguments:
        return []
    return [option, str(min(int(arguments[arguments.index(option) + 1]), VAL_SIZE))]


def _one(ledger: Ledger, kind: str, prefix: str) -> dict[str, Any]:
    (found,) = [
        item
        for item in ledger.objects.values()
        if item["kind"] == kind and item["metadata"]["name"].startswith(prefix)
    ]
    return found


def _mount(
    ledger: Ledger, pod: dict[str, Any], container: dict[str, Any], folder: Path
) -> dict[str, Path]:
    """Make a folder for each mount path; a ConfigMap's becomes its files."""
    volumes = {each["name"]: each for each in pod["volumes"]}
    mounts = {}
    for mount in container["volumeMounts"]:
        place = folder / mount["name"]
        place.mkdir(parents=True, exist_ok=True)
        config_map = volumes[mount["name"]].get("configMap")
        if config_map:
            data = _one(ledger, "ConfigMap", config_map["name"])["data"]
            for name, text in data.items():
                (place / name).write_text(text, encoding="utf-8")
        mounts[mount["mountPath"]] = place
    return mounts


def _run(
    container: dict[str, Any],
    mounts: dict[str, Path],
    arguments: list[str],
    on_line: Callable[[str], None],
) -> None:
    def here(part: str) -> str:
        for path, place in mounts.items():
            if part == path or part.startswith(f"{path}/"):
                return str(place) + part[len(path) :]
        return part

    whole: list[str] = [*container["command"], *container["args"], *arguments]
    python3, *rest = whole
    if python3 != "python3":
        raise PodError(f"the container starts {python3}, which this machine may not have")
    lines: list[str] = []

    def read(line: str) -> None:
        for path, place in mounts.items():
            line = line.replace(str(place), path)
        lines.append(line)
        on_line(line)

    status = processes.run(
        [sys.executable, *map(here, rest)],
        environment={each["name"]: here(each["value"]) for each in container["env"]},
        on_line=read,
    )
    if status:
        raise PodError("\n".join([f"exit status {status}", *lines[-5:]]))


def _make_fasta(path: Path) -> None:
    """Write made-up proteins as UniRef50 writes its own: the same in every run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = random.Random(50)
    with gzip.open(path, "wt", encoding="ascii", compresslevel=1) as sink:
        for number in range(RECORDS):
            sequence = "".join(chance.choices(_LETTERS, k=chance.randint(30, 600)))
            sink.write(f">UniRef50_R{number:07d} Made-up protein n=1 Tax=none TaxID=1\n")
            sink.writelines(f"{sequence[at : at + 60]}\n" for at in range(0, len(sequence), 60))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that keeps its log to itself."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """Says nothing of clients that hang up: a download asks first, and reads the answer's head."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of broken pipes."""
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
