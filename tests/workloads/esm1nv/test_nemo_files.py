"""What NeMo would refuse at its next start is cleaned up, and nothing else is touched."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lightning_checkpoint import step_of
from nemo_files import Rules
from tests.workloads.esm1nv.checkpoints import save

Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "empty": lambda content: b"",
    "first half": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "zeros within": lambda content: content[:300] + bytes(4096) + content[300 + 4096 :],
    "only zeros": lambda content: bytes(len(content)),
    "no checkpoint": lambda content: b"hello",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The checkpoints of an experiment."""
    (tmp_path / "processed").mkdir()
    (tmp_path / "processed/_SUCCESS").write_text("{}")
    return tmp_path / "results" / "esm1nv" / "checkpoints"


def rules(folder: Path) -> Rules:
    root = folder.parents[2]
    return Rules(root / "results", root / "processed")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.ckpt"))


def last(folder: Path, step: int) -> Path:
    return save(folder / f"model--step={step}-last.ckpt", step)


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_incomplete_checkpoint_is_detected(damage: str, tmp_path: Path) -> None:
    path = save(tmp_path / "x.ckpt", 500)
    assert step_of(path) == 500
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert step_of(path) is None


@pytest.mark.parametrize("step", [1, 255, 256, 70_000, 2**31])
def test_the_step_is_read_from_the_content(step: int, tmp_path: Path) -> None:
    assert step_of(save(tmp_path / "named-step=7.ckpt", step)) == step


@pytest.mark.parametrize("damage", [None, *DAMAGES])
def test_of_two_last_checkpoints_the_newest_complete_one_is_kept(
    damage: str | None, folder: Path
) -> None:
    """Lightning writes the new one and then removes the old; a kill in between leaves both."""
    first, second = last(folder, 500), last(folder, 1000)
    if damage:
        second.write_bytes(DAMAGES[damage](second.read_bytes()))
    rules(folder).tidy()
    kept, other = (first, second) if damage else (second, first)
    assert [*folder.rglob("*last.ckpt")] == [kept]
    assert rules(folder).newest_step() == (500 if damage else 1000)
    (aside,) = folder.parent.glob("set-aside/*/*")
    assert aside.name == other.name
    before = names(folder)
    rules(folder).tidy()
    assert names(folder) == before


def test_without_a_complete_last_one_it_resumes_from_the_best_of_the_others(folder: Path) -> None:
    """They are kept for their quality: losing the last one must not lose days."""
    save(folder / "model--val_loss=3.1-step=500.ckpt", 500)
    save(folder / "model--val_loss=3.0-step=1000.ckpt", 1000)
    broken = save(folder / "model--val_loss=3.0-step=1000-last.ckpt", 1000)
    broken.write_bytes(broken.read_bytes()[:100])
    rules(folder).tidy()
    assert rules(folder).newest_step() == 1000
    assert len([*folder.rglob("*last.ckpt")]) == 1
    assert len(names(folder)) == 3


def test_it_resumes_from_one_that_is_newer_than_the_last(folder: Path) -> None:
    """A kill between the two that Lightning writes at each validation."""
    os.utime(last(folder, 500), (1, 1))
    save(folder / "model--val_loss=3.0-step=1000.ckpt", 1000)
    rules(folder).tidy()
    assert rules(folder).newest_step() == 1000
    assert [path.name for path in folder.glob("*last.ckpt")] == [
        "model--val_loss=3.0-step=1000-last.ckpt"
    ]


def test_a_broken_one_among_the_others_is_set_aside(folder: Path) -> None:
    """NeMo may load the best of them at the end."""
    os.utime(last(folder, 500), (1, 1))
    broken = save(folder / "model--val_loss=3.0-step=1000.ckpt", 1000)
    broken.write_bytes(broken.read_bytes()[:-5])
    rules(folder).tidy()
    assert names(folder) == ["model--step=500-last.ckpt"]


def test_with_model_parallelism_each_rank_has_a_part(folder: Path) -> None:
    for step in (500, 1000):
        for rank in (0, 1):
            save(folder / f"tp_rank_0{rank}_pp_rank_000" / f"m-step={step}-last.ckpt", step)
    (folder / "tp_rank_01_pp_rank_000/m-step=1000-last.ckpt").unlink()
    rules(folder).tidy()
    assert rules(folder).newest_step() == 500
    assert names(folder) == ["m-step=500-last.ckpt"] * 2


def test_averaged_weights_are_not_a_checkpoint(folder: Path) -> None:
    last(folder, 500)
    save(folder / "model--step=900-last-EMA.ckpt", 900)
    rules(folder).tidy()
    assert rules(folder).newest_step() == 500
    assert len(names(folder)) == 2


def test_without_an_earlier_run_there_is_nothing_to_do(folder: Path) -> None:
    rules(folder).tidy()
    assert rules(folder).newest_step() == 0


def indexes(folder: Path) -> list[Path]:
    """Write the training's indexes of a data set; return the files."""
    data = folder.parents[2] / "processed"
    lines = data / "fsx/processed/train/x000.csv.idx.npy"
    lines.parent.mkdir(parents=True, exist_ok=True)
    maps = data / "__indexmap_128000000mns_512msl_0.00ssp_1234s.npy"
    for path in (lines, maps):
        np.save(path, np.arange(1000), allow_pickle=True)
    info = lines.with_suffix(".info")
    info.write_bytes(pickle.dumps({"newline_int": 10, "version": "0.2"}))
    return [lines, maps, info]


def test_indexes_of_this_data_set_are_kept(folder: Path) -> None:
    """They take minutes to create."""
    rules(folder).tidy()
    made = indexes(folder)
    rules(folder).tidy()
    assert all(path.exists() for path in made)


def test_indexes_of_this_data_set_are_kept_when_they_come_back_from_s3(folder: Path) -> None:
    rules(folder).tidy()
    made = indexes(folder)
    root = folder.parents[2]
    shutil.copytree(root / "processed", root / "again")
    Rules(root / "results", root / "again").tidy()
    copies = [root / "again" / path.relative_to(root / "processed") for path in made]
    assert all(path.exists() for path in copies)


def test_indexes_of_another_data_set_are_removed(folder: Path) -> None:
    rules(folder).tidy()
    made = indexes(folder)
    (folder.parents[2] / "processed/_SUCCESS").write_text('{"seed": 1}')
    rules(folder).tidy()
    assert not any(path.exists() for path in made)


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("length", [0, 20, -3])
def test_only_an_incomplete_index_is_removed(which: int, length: int, folder: Path) -> None:
    rules(folder).tidy()
    made = indexes(folder)
    made[which].write_bytes(made[which].read_bytes()[:length])
    rules(folder).tidy()
    assert [path.exists() for path in made] == [index != which for index in range(3)]
