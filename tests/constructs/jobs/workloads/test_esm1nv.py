"""ESM-1nv's command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bionemo_eks.jobs.places import PROCESSED
from bionemo_eks.jobs.workloads.esm1nv import (
    RESULTS,
    VALIDATION_BATCHES,
    WORKLOAD,
    arguments,
)
from tests.context import read_settings, refusal

HOW_TO = Path(__file__).resolve().parents[4] / "docs" / "how-to.md"


def overrides(**changes: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in arguments(read_settings(changes))[1:])


def test_it_resumes_from_the_newest_checkpoint_below_the_exported_folder() -> None:
    found = overrides(**{"training.experiment": "some-run"})
    assert found["++exp_manager.resume_if_exists"] == "True"
    assert found["++exp_manager.resume_ignore_no_checkpoint"] == "True"
    assert found["exp_manager.exp_dir"].startswith(f"{RESULTS}/")
    assert "/some-run/" in found["exp_manager.exp_dir"]


def test_it_reads_as_many_files_as_the_data_job_writes() -> None:
    found = overrides(**{"dataset.num_csv_files": "12"})
    assert found["model.data.dataset_path"] == PROCESSED
    for split in ("train", "val", "test"):
        assert found[f"model.data.dataset.{split}"] == "'x_OP_000..011_CL_'"


@pytest.mark.parametrize(
    ("instance_type", "devices"), [("p4d.24xlarge", "8"), ("g5.12xlarge", "4")]
)
def test_its_world_is_every_gpu(instance_type: str, devices: str) -> None:
    found = overrides(**{"gpu.instance_type": instance_type, "gpu.nodes": "3"})
    assert (found["trainer.num_nodes"], found["trainer.devices"]) == ("3", devices)


def test_the_users_overrides_come_last_so_that_they_win() -> None:
    given = '["model.micro_batch_size=2","+new.key=a"]'
    found = arguments(read_settings({"training.overrides": given}))
    assert found[-2:] == ["model.micro_batch_size=2", "+new.key=a"]


@pytest.mark.parametrize("line", ["Epoch 0:  12%", "reduced_train_loss=2.1", "global_step=500"])
def test_its_progress_is_recognized(line: str) -> None:
    assert WORKLOAD.progress.search(line)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("a/checkpoints/x-last.ckpt", True),
        ("a/esm1nv.nemo", True),
        ("a/cmd-args.log", False),
        ("a/set-aside/20261124T120000/x-last.ckpt", False),
    ],
)
def test_its_checkpoints_are_recognized(path: str, is_one: bool) -> None:
    assert bool(WORKLOAD.checkpoint.search(path)) is is_one


@pytest.mark.parametrize(
    ("steps", "interval", "reason"),
    [
        ("100", "500", "no validation in 100 steps, one in 500"),
        ("100", "100", "2 x 50 batches"),
        ("150", "75", "3 x 50 batches"),
        ("50", "50000", "no validation"),
        ("5000", "50", ""),
        ("500", "500", ""),
        ("4950", "50", "100 x 50 batches"),
    ],
)
def test_steps_that_the_training_would_refuse_or_mistake_are_refused_with_both_names(
    steps: str, interval: str, reason: str
) -> None:
    given = {"training.max_steps": steps, "training.val_check_interval": interval}
    samples = (int(steps) // int(interval) + 1) * VALIDATION_BATCHES
    if samples != int(steps) and int(interval) <= int(steps):
        assert overrides(**given)["trainer.max_steps"] == steps
        return
    text = refusal(given)
    assert reason in text
    assert "training.max_steps and training.val_check_interval" in text


def test_the_blueprints_values_are_accepted() -> None:
    found = overrides()
    assert (found["trainer.max_steps"], found["trainer.val_check_interval"]) == ("1000000", "500")


def test_the_short_first_run_in_how_to_is_accepted() -> None:
    (line,) = re.findall(r"make deploy CONTEXT=\"(.*training\.max_steps.*)\"", HOW_TO.read_text())
    given = dict(each.split("=") for each in line.split())
    found = overrides(**given)
    assert int(found["trainer.max_steps"]) <= 2000
    assert int(found["trainer.max_steps"]) / int(found["trainer.val_check_interval"]) >= 5
    assert f"/{given['training.experiment']}/" in found["exp_manager.exp_dir"]
    assert found["exp_manager.exp_dir"] != overrides()["exp_manager.exp_dir"], "a separate run"


@pytest.mark.parametrize("name", ["trainer.max_steps", "++trainer.val_check_interval"])
def test_what_has_a_setting_is_no_override(name: str) -> None:
    text = refusal({"training.overrides": f"{name}=7"})
    assert f"has a setting, training.{name.rpartition('.')[2]}" in text
