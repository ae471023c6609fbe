"""The estimate: its arithmetic, and that docs/cost.md says the same."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.simulated_accounts import SimulatedAws, denied, deployment, error
from bionemo_eks.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from bionemo_eks.settings_reader import read_settings
from ops import cost, prices

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 24)


def dollars(**changes: str) -> dict[str, dict[str, float]]:
    settings = read_settings({name.replace("__", "."): value for name, value in changes.items()})
    return {
        way.name: {
            item.name: item.dollars for item in cost.bill(settings, way, prices.table(), TODAY)
        }
        for way in cost.ways(settings)
    }


def test_idle_gpus_are_the_difference_between_the_ways() -> None:
    found = dollars()
    ours, theirs = found["these settings"], found["2024 blueprint"]
    assert ours["GPU nodes, training"] == theirs["GPU nodes, training"] == 2 * 24 * 24.48
    assert theirs["GPU nodes, idle"] == pytest.approx(2 * 56 * 24.48)
    assert ours["GPU nodes, idle"] < theirs["GPU nodes, idle"] / 50


def test_nodes_that_always_run_are_idle_before_and_after() -> None:
    ours = dollars(gpu__scaling="fixed")["these settings"]
    hours = cost.DEPLOY_HOURS + cost.STREAMING_HOURS + cost.DESTROY_HOURS
    assert ours["GPU nodes, idle"] == pytest.approx(2 * hours * 24.48)


def test_storage_is_billed_by_the_hour() -> None:
    ours = dollars()["these settings"]
    assert ours["FSx for Lustre"] == pytest.approx(2400 * 0.34 * 25.5 / 730)
    assert (
        dollars(storage__throughput="1000")["these settings"]["FSx for Lustre"]
        > (ours["FSx for Lustre"])
    )


def test_extended_support_costs_more() -> None:
    standard, extended = dollars(), dollars(kubernetes_version="1.33")
    assert extended["these settings"]["EKS"] == pytest.approx(6 * standard["these settings"]["EKS"])


def test_every_instance_type_has_a_price() -> None:
    known = prices.table().hourly
    assert set(known) >= set(GPU_INSTANCE_TYPES) | set(CORE_INSTANCE_TYPES)


def offer(price: str) -> dict[str, Any]:
    terms = {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": price}}}}}}
    return {"PriceList": [json.dumps({"terms": terms})]}


def test_prices_come_from_the_price_list_when_it_answers() -> None:
    aws = SimulatedAws({"pricing.get_products": offer("3.5")}, "eu-west-1")
    found = prices.prices(aws, ["p3.16xlarge"])
    assert found.hourly["p3.16xlarge"] == 3.5
    assert "Price List API" in found.source
    assert "eu-west-1" in found.source


@pytest.mark.parametrize(
    "answer", [denied("GetProducts"), {"PriceList": []}, offer("0.0000"), error("GetProducts", "X")]
)
def test_else_from_the_dated_table(answer: Any) -> None:
    found = prices.prices(SimulatedAws({"pricing.get_products": answer}), ["p3.16xlarge"])
    assert found.hourly["p3.16xlarge"] == 24.48
    assert found.source == f"the project's table of {prices.TABLE_OF}, us-west-2"


def test_what_was_spent_is_summed_by_service() -> None:
    def period(amount: str) -> dict[str, Any]:
        metrics = {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}
        return {"Groups": [{"Keys": ["Amazon EC2"], "Metrics": metrics}]}

    found = deployment(
        {},
        {"ce.get_cost_and_usage": {"ResultsByTime": [period("1.5"), period("2.25")]}},
    )
    assert cost.actual(found, 30) == {"Amazon EC2": 3.75}


def test_the_document_has_the_tables_figures() -> None:
    """docs/cost.md shows the arithmetic for the defaults; each line is recomputed here."""
    text = (ROOT / "docs/cost.md").read_text()
    rows = re.findall(
        r"^\| ([^|]+) \|[^|]*\| ([\d,.]+) \|[^|]*\| ([\d,.]+) \|$", text, re.MULTILINE
    )
    shown = {name.strip(): (mine, theirs) for name, mine, theirs in rows}
    found = dollars()
    ours, theirs = found["these settings"], found["2024 blueprint"]
    expected = {name: (f"{ours[name]:,.2f}", f"{theirs[name]:,.2f}") for name in ours}
    expected["total"] = (f"{sum(ours.values()):,.2f}", f"{sum(theirs.values()):,.2f}")
    assert shown == expected
