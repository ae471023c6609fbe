"""Worker pods as processes: what they are given, and how they end and restart."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.jobs.training_job import training_job, training_program
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.pods.container import PodError
from rehearsal.pods.worker_pods import WorkerPods, worker_processes
from tests.context import read_settings
from tests.rehearsal.processes import alive
from tests.second_workload.numbers import NUMBERS, SELECTED, WITH_NUMBERS

# Prints what it is given, starts a process in its own session, and waits for its exit status.
PROGRAM = """
import json, os, subprocess, sys, time, pathlib
name = sys.argv[sys.argv.index("--name") + 1]
fsx = pathlib.Path(sys.argv[1])
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
given = {"arguments": sys.argv[1:], "environment": dict(os.environ), "child": child.pid}
given["sees the data set's folder"] = pathlib.Path(os.environ["DATA"]).parent.is_dir()
print(json.dumps(given), flush=True)
print("at", os.path.dirname(__file__), flush=True)
while not (status := fsx / f"{name}.status").exists():
    time.sleep(0.02)
child.kill()
sys.exit(int(status.read_text()))
"""


class Pods:
    """The worker pods of the made-up workload, which runs PROGRAM."""

    def __init__(self, folder: Path) -> None:
        settings = read_settings(SELECTED | {"gpu.nodes": "2"}, WITH_NUMBERS)
        program = training_program(settings.workload)
        program["data"]["start.py"] = PROGRAM
        job = training_job(settings, {"metadata": {"name": "data"}})
        spec = job["spec"]
        spec["elasticPolicy"]["rdzvConf"] = [{"key": "join_timeout", "value": "60"}]
        (container,) = spec["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
        container["args"] = ["/fsx", *container["args"]]
        container["env"] = [
            {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
            {"name": "DATA", "value": "/fsx/processed"},
        ]
        self.ledger = Ledger(settings.kubernetes_version)
        self.ledger.objects = {each["kind"]: each for each in (program, job)}
        self.folder = folder
        self.lines: list[tuple[int, str]] = []

    def run(self) -> Any:
        return worker_processes(
            self.ledger,
            self.folder,
            sys.executable,
            ("--last",),
            lambda *line: self.lines.append(line),
        )

    def given(self, number: int) -> list[dict[str, Any]]:
        """Return what a worker was given at each start."""
        return [json.loads(text) for n, text in self.lines if n == number and text[0] == "{"]

    def end(self, pods: WorkerPods, number: int, status: int) -> None:
        (self.folder / "fsx" / f"{pods.pods[number].name}.status").write_text(str(status))


@pytest.fixture
def pods(tmp_path: Path) -> Pods:
    return Pods(tmp_path)


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_worker_has_its_own_name_and_id_and_the_operators_environment(pods: Pods) -> None:
    with pods.run() as running:
        wait_until(lambda: all(pods.given(n) for n in (0, 1)))
        (first,), (second,) = pods.given(0), pods.given(1)
        environment = first["environment"]
        assert environment["PET_NNODES"] == "2:2"
        assert environment["PET_RDZV_CONF"] == "join_timeout=60,is_host=true"
        assert environment["PET_RDZV_ENDPOINT"] == second["environment"]["PET_RDZV_ENDPOINT"]
        assert first["sees the data set's folder"]
        assert environment["POD_UID"] != second["environment"]["POD_UID"]
        arguments = first["arguments"]
        assert f"{NUMBERS.job}-worker-0" in arguments[: arguments.index("--")]
        assert arguments[-1] == "--last", "so it wins"
        wait_until(lambda: (0, "at /opt/training") in pods.lines)
        for number in (0, 1):
            pods.end(running, number, 0)
        running.wait(30)


def test_a_killed_worker_leaves_no_process_and_restarts_in_its_pod(pods: Pods) -> None:
    with pods.run() as running:
        wait_until(lambda: bool(pods.given(1)))
        running.kill(1)
        wait_until(lambda: len(pods.given(1)) == 2)
        before, after = pods.given(1)
        wait_until(lambda: not alive(before["child"]))
        assert after["environment"]["POD_UID"] == before["environment"]["POD_UID"]
        assert alive(after["child"])
    wait_until(lambda: not alive(after["child"]))


def test_a_failed_worker_is_reported_with_its_last_lines(pods: Pods) -> None:
    with pods.run() as running:
        wait_until(lambda: all(pods.given(n) for n in (0, 1)))
        pods.end(running, 1, 3)
        with pytest.raises(PodError, match=rf"{NUMBERS.job}-worker-1 ended with status 3") as error:
            running.wait(30)
    assert f"{NUMBERS.job}-worker-0 is running" in str(error.value)
    assert "worker-1: at /opt/training" in str(error.value)
