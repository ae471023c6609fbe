"""docs/cost.md: the cost of six settings, with the arithmetic."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from tests.ops.cost.estimates import bills, dollars

TEXT = (Path(__file__).resolve().parents[3] / "docs/cost.md").read_text()
_, AFTER = TEXT.split("\n## Six settings\n")
SECTION, _ = AFTER.split("\n## ", 1)
DEFAULTS, *SIX = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in SECTION.splitlines()
    if line.startswith("|")
][2:]


def computed(counted: str) -> tuple[float, float]:
    """What comes out of `2 x 49 / 7 = 14.00`, and what is written as its result; `0` is both."""
    left, _, right = counted.replace(",", "").partition(" = ")
    result = 1.0
    for sign, number in re.findall(r"([x/]?) ?([\d.]+)", left):
        result = result / float(number) if sign == "/" else result * float(number)
    return result, float(right or left)


def test_there_are_six_besides_the_defaults() -> None:
    assert len({row[0] for row in SIX}) == 6
    assert DEFAULTS[0] == "defaults"


@pytest.mark.parametrize("row", [DEFAULTS, *SIX], ids=lambda row: row[0].strip("`"))
def test_each_line_computes_and_is_what_the_command_says(row: list[str]) -> None:
    chosen, hours, gpu_nodes, rest, total = row
    changes = dict([chosen.strip("`").split("=")]) if "=" in chosen else {}
    bill, _ = bills(changes)
    items = dollars(bill)
    by_hand, written = computed(hours)
    assert written == bill.way.train_hours
    assert math.isclose(by_hand, written, rel_tol=0.005), "three digits"
    on_gpus = items["GPU nodes, training"] + items["GPU nodes, idle"]
    by_hand, written = computed(gpu_nodes)
    assert f"{by_hand:.2f}" == f"{written:.2f}" == f"{on_gpus:.2f}"
    assert rest == f"{bill.total - on_gpus:,.2f}"
    assert total == f"{bill.total:,.2f}"
