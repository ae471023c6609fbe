"""docs/models.md: cost and time of ESM-2 on two nodes, from published rates."""

from __future__ import annotations

from pathlib import Path

import pytest

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from bionemo_eks.jobs.workloads.esm2_rates import tokens_per_second
from tests.ops.cost.estimates import bills

TEXT = (Path(__file__).resolve().parents[3] / "docs/models.md").read_text()
_, AFTER = TEXT.split("\n### Cost and time on two nodes\n")
ROWS = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in AFTER.split("\n## ")[0].splitlines()
    if line.startswith("| `esm2-")
]


def test_three_sizes_on_three_types() -> None:
    assert len({(size, kind) for size, kind, *_ in ROWS}) == 9


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_each_line_is_what_the_command_says(row: list[str]) -> None:
    preset, kind, *numbers = row
    rate, hours, dollars = (float(number.replace(",", "")) for number in numbers)
    bill, _ = bills({"preset": preset, "gpu.instance_type": kind})
    size = preset.removeprefix("esm2-").upper()
    assert rate == pytest.approx(tokens_per_second(size, GPU_INSTANCE_TYPES[kind]), rel=0.005)
    assert hours == bill.way.train_hours
    assert dollars == pytest.approx(bill.total, abs=60)
