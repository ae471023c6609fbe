"""ESM-1nv's command line."""

from __future__ import annotations

import pytest

from bionemo_eks.jobs.places import PROCESSED
from bionemo_eks.jobs.workloads.esm1nv import RESULTS, WORKLOAD, arguments
from tests.context import read_settings


def overrides(**changes: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in arguments(read_settings(changes))[1:])


def test_it_goes_on_from_the_newest_checkpoint_below_the_exported_folder() -> None:
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
def test_how_far_it_is_is_recognised(line: str) -> None:
    assert WORKLOAD.progress.search(line)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [("a/checkpoints/x-last.ckpt", True), ("a/esm1nv.nemo", True), ("a/cmd-args.log", False)],
)
def test_its_checkpoints_are_recognised(path: str, is_one: bool) -> None:
    assert bool(WORKLOAD.checkpoint.search(path)) is is_one
