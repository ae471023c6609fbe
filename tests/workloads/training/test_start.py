"""How the training ends or resumes, whatever happens to its workers."""

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


def test_it_succeeds_after_the_last_step(tmp_path: Path) -> None:
    with pods(tmp_path, 3, 12) as found:
        found.start(0, 1, 2)
        assert found.statuses() == {0: 0, 1: 0, 2: 0}
        assert "max_steps is 12" in found.log(2)


def test_no_worker_succeeds_before_all_ranks_have_ended(tmp_path: Path) -> None:
    """The operator takes the first success for the end, and kills the other workers."""
    faults(tmp_path, rank_2={"late": 3})
    with pods(tmp_path, 3, 10) as found:
        found.start(0, 1, 2)
        wait_until(lambda: "torchrun ended: 0" in found.log(0) + found.log(1))
        time.sleep(1)
        assert found.ended() == []
        assert found.statuses() == {0: 0, 1: 0, 2: 0}


@pytest.mark.parametrize("number", [0, 1])
def test_sigterm_does_not_end_the_training(number: int, tmp_path: Path) -> None:
    """NeMo's ranks all exit with 0 then; the training resumes from what they have saved."""
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
def test_a_killed_worker_is_waited_for(number: int, tmp_path: Path) -> None:
    with pods(tmp_path, 3, 60) as found:
        found.start(0, 1, 2)
        begun(found)
        found.kill(number)
        found.start(number)
        others = {0, 1, 2} - {number}
        assert found.statuses() == {0: 0, 1: 0, 2: 0}
        for each in others:
            assert found.log(each).count("resumes from") == 2


def test_a_vanished_node_is_noticed_without_a_replacement(tmp_path: Path) -> None:
    with pods(tmp_path, 2, 500, "--patience", "20") as found:
        found.start(0, 1)
        begun(found)
        found.kill(1)
        wait_until(lambda: "this round is over: lost: w-1" in found.log(0))
        wait_until(lambda: "waiting for w-1" in found.log(0).partition("over")[2])
        assert found.ended() == [1]


def test_all_told_to_stop_at_once_stop_and_none_succeeds(tmp_path: Path) -> None:
    """This is how the operator suspends and deletes a job."""
    with pods(tmp_path, 2, 500) as found:
        found.start(0, 1)
        begun(found)
        for each in (0, 1):
            found.terminate(each)
        assert set(found.statuses().values()) == {128 + signal.SIGTERM}


def test_waiting_for_a_worker_does_not_count_as_a_failure(tmp_path: Path) -> None:
    """`bench/training_faults.py` waits for an hour, with a quick clock."""
    with pods(tmp_path, 2, 10) as found:
        found.start(0)
        wait_until(lambda: "waiting for w-1" in found.log(0))
        time.sleep(60 * BEAT)
        assert found.ended() == []
        found.start(1)
        assert found.statuses() == {0: 0, 1: 0}
        assert found.log(0).count("resumes from") == 1


def test_repeated_failures_end_the_training(tmp_path: Path) -> None:
    faults(tmp_path, rank_1={"fails_at": 3})
    with pods(tmp_path, 2, 500) as found:
        found.start(0, 1)
        assert found.statuses() == {0: 1, 1: 1}
        assert found.log(1).count("resumes from") == 3
        assert "failed 3 times in a row without a checkpoint newer than step 0" in found.log(0)
        # The kubelet restarts the containers until the operator has counted enough.
        found.start_container_again(0)
        found.start_container_again(1)
        assert found.statuses(5) == {0: 1, 1: 1}
        # Fixed and started again: other pods.
        faults(tmp_path)
        found.max_steps = 10
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}


def test_progress_resets_the_count_of_failures(tmp_path: Path) -> None:
    faults(tmp_path, rank_0={"fails_at": 8})
    with pods(tmp_path, 2, 500) as found:
        found.start(0, 1)
        wait_until(lambda: "ended with status 1" in found.log(0))
        faults(tmp_path, rank_0={"fails_at": 18})
        assert found.statuses() == {0: 1, 1: 1}
        assert found.log(0).count("resumes from 15") == 3


def test_a_restarted_container_counts_as_a_failure(tmp_path: Path) -> None:
    """Out of memory, for example: the pod stays, its container is new."""
    faults(tmp_path, rank_0={"saves": False})
    with pods(tmp_path, 2, 100_000) as found:
        found.start(0, 1)
        for times in (1, 2, 3):
            wait_until(lambda times=times: found.log(1).count("resumes from") == times)  # type: ignore[misc]
            found.kill(1)
            found.start_container_again(1)
        assert set(found.statuses().values()) == {1}


def test_a_finished_training_ends_at_once(tmp_path: Path) -> None:
    save(tmp_path / "results/a/checkpoints/x-last.ckpt", 100)
    # The second one may take long to start; the first would not wait for it any longer.
    with pods(tmp_path, 2, 100, "--patience", "600") as found:
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}
        assert "resumes from" not in found.log(0)
        assert "max_steps is 100" in found.log(0)


def test_the_first_worker_counts_its_hours_even_when_told_to_stop(tmp_path: Path) -> None:
    with pods(tmp_path, 2, 500) as found:
        found.start(0, 1)
        begun(found)
        for each in (0, 1):
            found.terminate(each)
        found.statuses()
    assert 0 < hours_used(tmp_path / "results") < 1


def test_it_does_not_wait_for_nodes_when_it_is_finished(tmp_path: Path) -> None:
    save(tmp_path / "results/a/checkpoints/x-last.ckpt", 100)
    with pods(tmp_path, 3, 100, "--patience", "10") as found:
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}


def test_records_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
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


def test_two_last_checkpoints_do_not_stop_it(tmp_path: Path) -> None:
    folder = tmp_path / "results/checkpoints"
    save(folder / "model--step=5-last.ckpt", 5)
    whole = save(folder / "model--step=10-last.ckpt", 10).read_bytes()
    (folder / "model--step=10-last.ckpt").write_bytes(whole[:-2000])
    with pods(tmp_path, 2, 20) as found:
        found.start(0, 1)
        assert found.statuses() == {0: 0, 1: 0}
        assert "starts from step 5" in found.log(0)


@pytest.mark.parametrize("seed", range(3))
def test_after_any_sequence_of_faults_it_succeeds_and_not_before(seed: int, tmp_path: Path) -> None:
    """Kills, SIGTERM and new containers, at random moments chosen by `seed`."""
    chance, everyone = random.Random(seed), [0, 1, 2]
    with pods(tmp_path, 3, 60, "--failures", "100") as found:
        found.start(*everyone)
        for _ in range(6):
            time.sleep(chance.uniform(0, 1.2))
            assert not found.ended() or found.steps() == 60
            number = chance.choice(everyone)
            what = chance.choice(("killed", "told to stop", "container"))
            if what == "told to stop":
                found.terminate(number)
                assert found.status(number) != 0 or found.steps() == 60
            else:
                found.kill(number)
            if what == "container":
                found.start_container_again(number)
            else:
                time.sleep(chance.uniform(0, 0.5))
                found.start(number)
        # Once one succeeds the job is Succeeded, and the operator removes the others: one that
        # started late would wait for the first forever.
        wait_until(found.has_succeeded, 120)
        assert found.steps() == 60
        (kept,) = (tmp_path / "results/checkpoints").glob("*.ckpt")
        assert step_of(kept) == 60
