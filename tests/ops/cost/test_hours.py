"""How long a run trains in the estimate, and when that is unknown."""

from __future__ import annotations

import pytest

from ops import cost
from tests.ops.cost.estimates import bills, dollars


def test_the_training_takes_as_long_as_the_2024_blueprint_says() -> None:
    """At least 3 to 4 days on two p3.16xlarge."""
    mine, theirs = bills({"gpu.instance_type": "p3.16xlarge"})
    assert mine.way.train_hours == theirs.way.train_hours
    assert 3 * 24 <= mine.way.train_hours <= 4 * 24


def test_hours_depend_on_steps_and_sequences_and_not_on_nodes() -> None:
    def hours(**changes: str) -> float:
        chosen = {name.replace("__", "."): value for name, value in changes.items()}
        return bills(chosen)[0].way.train_hours

    usual = hours()
    assert hours(training__max_steps="100000") == pytest.approx(usual / 10)
    assert hours(training__micro_batch_size="16") == pytest.approx(2 * usual)
    assert hours(training__accumulate_grad_batches="4") == pytest.approx(4 * usual, rel=0.005)
    assert hours(gpu__nodes="4") == usual, "each GPU has its own sequences"


@pytest.mark.parametrize(
    "changes",
    [
        {"gpu.instance_type": "g5.12xlarge"},
        {"training.overrides": "model.micro_batch_size=4"},
        {"training.workload": "esm2", "gpu.instance_type": "g7e.48xlarge"},
    ],
)
def test_without_a_known_rate_there_is_an_estimate_only_for_given_hours(
    changes: dict[str, str],
) -> None:
    with pytest.raises(cost.NoRateError, match="no rate"):
        bills(changes)
    assert bills(changes, hours=10)[0].way.train_hours == 10


def test_without_a_training_no_gpu_node_starts_and_no_checkpoint_is_kept() -> None:
    off, usual = bills({"training.enabled": "false"})[0], bills()[0]
    assert off.way.train_hours == off.way.gpu_hours == 0
    items = dollars(off)
    assert items["GPU nodes, training"] == items["GPU nodes, idle"] == 0
    assert items["S3, replaced checkpoints"] == 0
    assert 0 < items["S3"] < dollars(usual)["S3"], "the data Job still runs"
    fixed, _ = bills({"training.enabled": "false", "gpu.scaling": "fixed"})
    assert fixed.way.gpu_hours == fixed.way.hours, "they run anyway"


def test_without_the_data_job_nothing_is_prepared() -> None:
    off, usual = bills({"dataset.enabled": "false"})[0], bills()[0]
    assert off.way.prepare_hours == 0 < usual.way.prepare_hours
    assert off.way.train_hours == usual.way.train_hours
