"""How a training ends, and goes on, whatever happens to its workers."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from hours import hours_used
from lightning_checkpoint import step_of
from tests.workloads.esm1nv.checkpoints import save
from tests.workloads.training.pods import BEAT, Pods, pods, wait_until

pytestmark = pytest.mark.slow


def faults(folder: Path, **by_rank: Any) -> None:
    named = {number.removeprefix("rank_"): each for number, each in by_rank.items()}
    (folder / "faults.json").write_text(json.dumps(named))


def begun(found: Pods) -> None:
    wait_until(lambda: found.steps() > 5)


def test_it_ends_well_after_the_last_step(tmp_path: Path) -> None:
    with pods(tmp_path, 3, 12) as found:
        found.start(0, 1, 2)
        assert found.statuses() == {0: 0, 1: 0, 2: 0}
        assert "max_steps is 12" in found.log(2)


def test_no_worker_succeeds_before_all_ranks_have_ended(tmp_path: Path) -> None:
    """The operator takes the first success for the end, and kills the others."""
    faults(tmp_path, rank_2={"late": 3})
    with pods(tmp_path, 3, 10) as found:
        found.start(0, 1, 2)
        wait_until(lambda: "torchrun ended: 0" in found.log(0) + found.log(1))
        time.sleep(1)
        assert found.ended() == []
        assert found.statuses() == {0: 0, 1: 0, 2: 0}


@pytest.mark.parametrize("number", [0, 1])
def test_sigterm_is_no_end(number: int, tmp_path: Path) -> None:
    """NeMo's ranks all exit with 0 then; the training goes on from what they have saved."""
    with pods(tmp_path, 3, 60) as found:
        found.start(0, 1, 2)
        begun(found)
        found.terminate(number)
        assert found.status(number) == 128 + signal.SIGTERM
        assert found.ended() == [number]
        saved = found.steps()
        found.start(number)
        assert found.statuses() == {0: 0, 1: 0, 2: 0}
        assert f"starts from step {saved}" in found.log(0)
        assert saved % 5 or number, "rank 0 has saved where it was"


@pytest.mark.parametrize("number", [0, 2])
def test_a_worker_that_is_killed_is_waited_for(number: int, tmp_path: Path) -> None:
    with pods(tmp_path, 3, 60) as found:
        found.start(0, 1, 2)
        begun(found)
        found.kill(number)
        found.start(number)
        others = {0, 1, 2} - {number}
        assert found.statuses() == {0: 0, 1: 0, 2: 0}
        for each in others:
            assert found.log(each).count("goes on from") == 2


def test_a_node_that_vanishes_is_noticed_without_another_in_its_place(tmp_path: Path) -> None:
    with pods(tmp_path, 2, 500, "--patience", "20") as found:
        found.start(0, 1)
        begun(found)
        found.kill(1)
        wait_until(lambda: "this round is over: lost: w-1" in found.log(0))
        wait_until(lambda: "waiting for w-1" in found.log(0).partition("over")[2])
        assert found.ended() == [1]


def test_all_told_to_end_at_once_end_and_none_succeeds(tmp_path: Path) -> None:
    """The operator suspends a job so, and deletes it so."""
    with pods(tmp_path, 2, 500) as found:
        found.start(0, 1)
        begun(found)
        for each in (0, 1):
            found.terminate(each)
        assert set(found.statuses().values()) == {128 + signal.SIGTERM}


def test_waiting_for_a_worker_costs_nothing(tmp_path: Path) -> None:
    """`bench/training_faults.py` waits for an hour, with a quick clock."""
    with pods(tmp_path, 2, 10) as found:
        found.start(0)
        wait_until(lambda: "waiting for w-1" in found.log(0))
        time.sleep(60 * BEAT)
        assert found.ended() == []
        found.start(1)
        assert found.statuses() == {0: 0, 1: 0}
        assert found.log(0).count("goes on from") == 1


def test_one_that_only_fails_comes_to_an_end(tmp_path: Path) -> None:
    faults(tmp_path, rank_1={"fails_at": 3})
    with pods(tmp_path, 2, 500) as found:
        found.start(0, 1)
        assert found.statuses() == {0: 1, 1: 1}
        assert found.log(1).count("goes on from") == 3
        assert "failed 3 times in a row without a checkpoint newer than step 0" in found.log(0)
        # The kubelet starts the containers again, until the operator has counted enough.
        found.start_container_again(0)
        found.start_container_again(1)
        assert found.statuses(5) == {0: 1, 1: 1}
        # Somebody mends it and starts it anew: other pods.
        faults(tmp_path)
        found.max_steps = 10
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}


def test_a_failure_after_progress_is_the_first_again(tmp_path: Path) -> None:
    faults(tmp_path, rank_0={"fails_at": 8})
    with pods(tmp_path, 2, 500) as found:
        found.start(0, 1)
        wait_until(lambda: "ended with status 1" in found.log(0))
        faults(tmp_path, rank_0={"fails_at": 18})
        assert found.statuses() == {0: 1, 1: 1}
        assert found.log(0).count("goes on from 15") == 3


def test_a_container_that_starts_again_counts_as_a_failure(tmp_path: Path) -> None:
    """Out of memory for example: the pod stays, its container is new."""
    faults(tmp_path, rank_0={"saves": False})
    with pods(tmp_path, 2, 100_000) as found:
        found.start(0, 1)
        for times in (1, 2, 3):
            wait_until(lambda times=times: found.log(1).count("goes on from") == times)  # type: ignore[misc]
            found.kill(1)
            found.start_container_again(1)
        assert set(found.statuses().values()) == {1}


def test_a_training_that_is_finished_ends_at_once(tmp_path: Path) -> None:
    save(tmp_path / "results/a/checkpoints/x-last.ckpt", 100)
    with pods(tmp_path, 2, 100) as found:
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}
        assert "goes on from" not in found.log(0)
        assert "max_steps is 100" in found.log(0)


def test_the_first_worker_counts_its_hours_also_when_it_is_told_to_end(tmp_path: Path) -> None:
    with pods(tmp_path, 2, 500) as found:
        found.start(0, 1)
        begun(found)
        for each in (0, 1):
            found.terminate(each)
        found.statuses()
    assert 0 < hours_used(tmp_path / "results") < 1


def test_it_waits_for_no_node_to_hear_that_it_is_finished(tmp_path: Path) -> None:
    save(tmp_path / "results/a/checkpoints/x-last.ckpt", 100)
    with pods(tmp_path, 3, 100, "--patience", "10") as found:
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}


def test_what_an_earlier_run_has_told_is_no_word_of_this_one(tmp_path: Path) -> None:
    with pods(tmp_path, 2, 10) as found:
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}
        found.max_steps = 20
        found.start(1)
        time.sleep(20 * BEAT)
        assert found.ended() == [0], "it waits for the first worker of its own run"
        found.start(0)
        assert found.statuses() == {0: 0, 1: 0}
        assert found.steps() == 20


def test_two_last_checkpoints_are_no_end(tmp_path: Path) -> None:
    folder = tmp_path / "results/checkpoints"
    save(folder / "model--step=5-last.ckpt", 5)
    whole = save(folder / "model--step=10-last.ckpt", 10).read_bytes()
    (folder / "model--step=10-last.ckpt").write_bytes(whole[:-2000])
    with pods(tmp_path, 2, 20) as found:
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}
        assert "starts from step 5" in found.log(0)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_in_whatever_order_it_ends_well_and_not_before(
    seed: int, tmp_path: Path
) -> None:
    """Kills, ends by SIGTERM and new containers, at random moments; `seed` chooses them."""
    chance, everyone = random.Random(seed), [0, 1, 2]
    with pods(tmp_path, 3, 60, "--failures", "100") as found:
        found.start(*everyone)
        for _ in range(6):
            time.sleep(chance.uniform(0, 1.2))
            assert not found.ended() or found.steps() == 60
            number = chance.choice(everyone)
            what = chance.choice(("killed", "told to end", "container"))
            if what == "told to end":
                found.terminate(number)
                assert found.status(number) != 0 or found.steps() == 60
            else:
                found.kill(number)
            if what == "container":
                found.start_container_again(number)
            else:
                time.sleep(chance.uniform(0, 0.5))
                found.start(number)
        # With one that has ended well the job is Succeeded, and the operator removes the others:
        # one that was started late would wait for the first for ever.
        wait_until(found.has_succeeded, 120)
        assert found.steps() == 60
        (kept,) = (tmp_path / "results/checkpoints").glob("*.ckpt")
        assert step_of(kept) == 60
