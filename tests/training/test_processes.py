"""The same training on 1, 2 and 4 processes, replicated and sharded; killed, stopped and hung."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from transformers import EsmForMaskedLM

from bench.esm2_runs import TINY, Run, losses, train

STEPS = 50
NEAR = 1e-5


def options(data: Path, results: Path, *more: Any) -> list[Any]:
    # Validation and saving happen at different steps.
    return [
        *("--data", data, "--results", results, *TINY, "--steps", STEPS),
        *("--save-every", 7, "--validate-every", 20, *more),
    ]


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, float]:
    """Losses of one process, which takes a step's four units one after another."""
    results = tmp_path_factory.mktemp("alone")
    log = results / "log"
    assert train(1, options(data, results), log) == [0], log.read_text()
    return losses(results)


@pytest.fixture(scope="module")
def pair(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of an uninterrupted training with two processes."""
    results = tmp_path_factory.mktemp("pair")
    log = results / "log"
    assert train(2, options(data, results), log) == [0, 0], log.read_text()
    return results


def near(found: dict[int, float], wanted: dict[int, float]) -> bool:
    return found.keys() == wanted.keys() and all(
        abs(found[step] - loss) <= NEAR for step, loss in wanted.items()
    )


def test_two_processes_train_like_one(alone: dict[int, float], pair: Path) -> None:
    assert sorted(alone) == [*range(1, STEPS + 1)]
    assert alone[STEPS] < alone[1] - 0.1
    assert near(losses(pair), alone)


@pytest.mark.parametrize(
    ("world", "more"),
    [
        # In one pass, without accumulation
        (1, ("--units-at-once", 4)),
        (4, ("--parallel", "ddp")),
        (4, ("--parallel", "fsdp")),
        # With accumulation, and a process that has no unit left for its last pass
        (3, ("--parallel", "ddp")),
        (2, ("--parallel", "fsdp", "--recompute")),
    ],
)
def test_another_layout_gives_the_same_training(
    data: Path, tmp_path: Path, alone: dict[int, float], world: int, more: tuple[Any, ...]
) -> None:
    log = tmp_path / "log"
    done = train(world, options(data, tmp_path, *more), log)
    assert done == [0] * world, log.read_text()
    assert near(losses(tmp_path), alone)


def wait_for(run: Run, words: str) -> None:
    """Wait until the log contains `words`."""
    deadline = time.monotonic() + 300
    while words not in run.log.read_text():
        assert run.running(), run.log.read_text()
        assert time.monotonic() < deadline, run.log.read_text()
        time.sleep(0.02)


# A checkpoint stalls after one process has written its file.
DURING_A_SAVE = """
import os, signal
from torch.distributed.checkpoint import FileSystemWriter
def finish(self, metadata, results):
    if os.environ["RANK"] == "0" and "step-00000021" in str(self.path):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, metadata, results)
whole, FileSystemWriter.finish = FileSystemWriter.finish, finish
"""


def test_killed_and_resumed_it_is_bit_for_bit_the_same(
    data: Path, tmp_path: Path, pair: Path
) -> None:
    log = tmp_path / "log"
    given = options(data, tmp_path)

    first = Run(2, given, log=log)
    wait_for(first, "step 10/")
    first.signal(signal.SIGKILL, 1)
    assert 0 not in first.wait(), log.read_text()

    assert 0 not in train(2, given, log, DURING_A_SAVE), log.read_text()
    assert "going on after step 7" in log.read_text()

    third = Run(2, given, log=log)
    wait_for(third, "step 30/")
    third.signal(signal.SIGTERM, 1)
    assert third.wait() == [143, 143], log.read_text()
    assert "going on after step 14" in log.read_text()

    assert train(2, given, log) == [0, 0], log.read_text()
    assert losses(tmp_path) == losses(pair)
    model = EsmForMaskedLM.from_pretrained(tmp_path / "model")
    other = EsmForMaskedLM.from_pretrained(pair / "model")
    for name, value in model.state_dict().items():
        assert value.equal(other.state_dict()[name]), name


def test_resumed_with_another_number_of_processes_it_continues_the_same_way(
    data: Path, tmp_path: Path, alone: dict[int, float]
) -> None:
    log = tmp_path / "log"
    first = Run(2, options(data, tmp_path), log=log)
    wait_for(first, "step 15/")
    first.signal(signal.SIGTERM, 0)
    assert first.wait() == [143, 143], log.read_text()
    assert train(1, options(data, tmp_path, "--parallel", "fsdp"), log) == [0], log.read_text()
    assert near(losses(tmp_path), alone)


# Each writes its stacks into a file of its own: in one, those of the same moment would mix.
HANG = """
import os, loop, time
os.dup2(os.open(f"{folder}/stacks-{os.environ['RANK']}", os.O_WRONLY | os.O_CREAT), 2)
def take(self, step):
    if step == 3 and os.environ["RANK"] == "1":
        time.sleep(1000)
    return whole(self, step)
whole, loop.Loader.take = loop.Loader.take, take
"""


def test_a_hang_ends_all_processes_with_their_stacks(data: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    given = options(data, tmp_path, "--hang-after", 20)
    assert train(2, given, log, f"folder = {str(tmp_path)!r}{HANG}") == [1, 1], log.read_text()
    waiting, hanging = ((tmp_path / f"stacks-{rank}").read_text() for rank in range(2))
    for text in (waiting, hanging):
        assert text.count("Timeout (0:00:20)!") == 1
    assert "in total" in waiting
    assert "in take" in hanging
