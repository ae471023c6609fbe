"""A training's progress, read from its own log lines."""

from __future__ import annotations

import pytest

from bionemo_eks.configuration.workload import Position
from bionemo_eks.jobs.workloads.positions import of_a_bar, of_a_step

BAR = "Epoch 0:   1%|          | "


@pytest.mark.parametrize(
    ("line", "position"),
    [
        (
            f"{BAR}795/77225 [9:07:58<878:01:48, 41.36s/it, loss=3.1, v_num=, "
            "reduced_train_loss=3.090, global_step=794.0, consumed_samples=1.63e+6]",
            Position(795, 3.1, 41.36),
        ),
        (
            f"{BAR}40/40 [00:31<00:00,  1.25it/s, v_num=, reduced_train_loss=10.90]",
            Position(40, 10.9, 0.8),
        ),
        (
            "Epoch 0: :   3%|▎         | 9000/301500 [1:42:42<55:37:46, v_num=0-56, "
            "reduced_train_loss=2.5e-1, global_step=9e+3, train_step_timing in s=0.615, "
            "val_loss=7.040]",
            Position(9000, 0.25, 0.615, 7.04),
        ),
        # Resumed after a restart, where the bar starts again.
        (
            f"{BAR}20/1000 [00:10<08:10, val_loss=7.0, global_step=5e+3]",
            Position(5000, None, None, 7.0),
        ),
        ("Epoch 0: 2%| 20/1000", Position(20)),
        ("Validation DataLoader 0:  10%|█         | 5/50 [00:01<00:12]", None),
        ("NCCL INFO Connected all rings", None),
    ],
)
def test_a_progress_bar_of_lightning(line: str, position: Position | None) -> None:
    assert of_a_bar(line) == position


@pytest.mark.parametrize(
    ("left", "seconds"), [("2 h 05 min", 7500), ("3 min 05 s", 185), ("50 s", 50)]
)
def test_a_log_line_of_esm2(left: str, seconds: int) -> None:
    line = f"step 1,000/1,100: loss 2.7182, 96,000 tokens/s/GPU, MFU 43.1%, 61.2 GB, {left} left"
    assert of_a_step(line) == Position(1000, 2.7182, seconds / 100)


@pytest.mark.parametrize(
    ("line", "position"),
    [
        ("step 10/10: loss 2.5000, 9 tokens/s/GPU, 1.0 GB, 0 s left", Position(10, 2.5)),
        ("step 2,000: validation loss 2.31, perplexity 10.07, accuracy 0.31", None),
        ("going on after step 1,000", None),
    ],
)
def test_a_log_line_of_esm2_without_a_rate_or_a_position(
    line: str, position: Position | None
) -> None:
    assert of_a_step(line) == position
