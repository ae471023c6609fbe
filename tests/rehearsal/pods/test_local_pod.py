"""The launcher's question, as the rehearsal puts it to the files of its own data Job."""

from __future__ import annotations

from pathlib import Path

import pytest

from bionemo_eks.jobs.dataset_job import dataset_objects
from bionemo_eks.jobs.training_job import launcher_objects, training_job, training_program
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.pods.local_pod import ask_for_the_launcher
from tests.context import read_settings
from tests.workloads.esm1nv.checkpoints import save


def ledger(enabled: bool) -> tuple[Ledger, str]:
    settings = read_settings({"training.max_steps": "1000"})
    data = dataset_objects(settings)[-1]
    training = training_job(settings, data)
    launcher = launcher_objects(settings, dataset_job=data, training_job=training)
    found = Ledger(settings.kubernetes_version)
    objects = [training_program(settings.workload), data, *(launcher if enabled else [])]
    found.objects.update({each["kind"] + each["metadata"]["name"]: each for each in objects})
    return found, settings.workload.program.results(settings)


@pytest.mark.parametrize(
    ("step", "goes_on"),
    [
        (0, "lifts the suspension"),
        (999, "lifts the suspension"),
        (1000, "starts nothing: it is finished"),
    ],
)
def test_it_starts_what_is_not_finished(step: int, goes_on: str, tmp_path: Path) -> None:
    objects, results = ledger(enabled=True)
    if step:
        save(tmp_path / results.removeprefix("/") / "checkpoints/x-last.ckpt", step)
    lines: list[str] = []
    assert ask_for_the_launcher(objects, tmp_path, lines.append) == goes_on
    assert len(lines) == 1


def test_without_a_launcher_nobody_asks(tmp_path: Path) -> None:
    objects, _ = ledger(enabled=False)
    assert ask_for_the_launcher(objects, tmp_path, print) is None
