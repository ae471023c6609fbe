"""The data Job's pod as a process on this machine, and the launcher's check."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bionemo_eks.jobs.dataset_job import dataset_objects
from bionemo_eks.jobs.training_job import launcher_objects, training_job, training_program
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.pods.container import PodError
from rehearsal.pods.local_pod import PodResult, ask_for_the_launcher, run_data_job
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
    ("step", "answer"),
    [
        (0, "resumes the PyTorchJob"),
        (999, "resumes the PyTorchJob"),
        (1000, "starts nothing: the training is finished"),
    ],
)
def test_it_starts_what_is_not_finished(step: int, answer: str, tmp_path: Path) -> None:
    objects, results = ledger(enabled=True)
    if step:
        save(tmp_path / results.removeprefix("/") / "checkpoints/x-last.ckpt", step)
    lines: list[str] = []
    assert ask_for_the_launcher(objects, tmp_path, lines.append) == answer
    assert len(lines) == 1


def test_without_a_launcher_there_is_no_check(tmp_path: Path) -> None:
    objects, _ = ledger(enabled=False)
    assert ask_for_the_launcher(objects, tmp_path, print) is None


def data_job(**changes: str) -> Ledger:
    settings = read_settings(changes)
    found = Ledger(settings.kubernetes_version)
    for each in dataset_objects(settings):
        found.objects[f"{each['kind']}/default/{each['metadata']['name']}"] = each
    return found


@pytest.mark.slow
@pytest.mark.parametrize("url", ["https://example.org/a.fasta", "/fsx/mine/a.fasta"])
def test_the_users_file_is_split_as_the_settings_say(url: str, tmp_path: Path) -> None:
    """Neither sizes nor batch are adapted to it, so bad ones are refused."""
    batch = read_settings({}).global_batch
    pod = data_job(**{"dataset.url": url, "dataset.num_csv_files": "4"})
    own, there = tmp_path / "own.fasta", tmp_path / "fsx/mine/a.fasta"
    there.parent.mkdir(parents=True)
    lines: list[str] = []

    def cut(text: str) -> PodResult:
        own.write_text(text)
        shutil.copy(own, there)
        return run_data_job(pod, tmp_path, lines.append, fasta=own)

    with pytest.raises(PodError, match="0 rows of 1"):
        cut(">one\nMKVLA\n")
    found = cut("".join(f">mine{number}\nMKVLA*\n" for number in range(500)))
    assert found.marker["counts"] == {"val": batch, "test": batch, "train": 500 - 2 * batch}
    assert "  500 records, 3,000 residues" in lines
    assert any("500 letters that are not amino acids: '*' 500" in line for line in lines)


@pytest.mark.slow
def test_settings_for_real_data_also_work_for_the_small_data(tmp_path: Path) -> None:
    """A global batch larger than the made-up data, and a proxy that does not exist."""
    given = {"training.micro_batch_size": "300", "dataset.http_proxy": "http://127.0.0.1:9"}
    lines: list[str] = []
    found = run_data_job(data_job(**given), tmp_path, lines.append)
    assert found.files == {"test": 50, "train": 50, "val": 50}
    assert read_settings(given).global_batch > found.marker["counts"]["val"]
