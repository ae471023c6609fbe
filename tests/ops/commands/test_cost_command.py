"""`bionemo cost` through its command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ops.commands.command_line import Line
from tests.ops.reading import in_order
from tests.simulated.aws import Answers, denied
from tests.simulated.capacity import BLOCK

NO_PRICES: Answers = {"pricing.get_products": denied("GetProducts")}


def test_json_has_hours_idle_hours_and_the_saving(line: Line) -> None:
    done = line(NO_PRICES, "cost", "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    mine, theirs = document["ways"]
    for way in (mine, theirs):
        hours = dict(way["hours"])
        assert hours.pop("total") == sum(hours.values())
        assert set(hours) == {"deploy", "prepare the data", "train", "destroy"}
        assert way["gpu_node_hours"] == 2 * hours["train"] + way["idle_gpu_node_hours"]
        assert way["idle_gpu_hours"] == 8 * way["idle_gpu_node_hours"], "GPUs of a node"
        assert way["total"] == pytest.approx(sum(each["dollars"] for each in way["items"]))
        assert set(way["items"][0]) == {"name", "counted", "dollars", "source"}
    assert document["saved"] == pytest.approx(theirs["total"] - mine["total"])
    assert "actual" not in document


def test_cost_accepts_other_training_hours(line: Line) -> None:
    done = line(NO_PRICES, "cost", "--json", "--training-hours", "10")
    assert json.loads(done.stdout)["ways"][0]["hours"]["train"] == 10


def test_a_type_without_an_hourly_price_is_reported_and_no_estimate_made(line: Line) -> None:
    done = line(NO_PRICES, "cost", "-c", "gpu.instance_type=p5e.48xlarge")
    assert done.exit_code == 2
    assert in_order(done.stderr, "p5e.48xlarge", "Capacity Blocks")
    assert not done.stdout


def test_a_capacity_block_costs_what_is_sold_now(line: Line) -> None:
    chosen = [word for pair in BLOCK.items() for word in ("-c", "=".join(pair))]
    document = json.loads(line(NO_PRICES, "cost", "--json", *chosen).stdout)
    mine, theirs = document["ways"]
    hours = mine["hours"]["train"]
    assert mine["items"][0]["dollars"] == 2 * hours * 10
    assert mine["gpu_node_hours"] == 2 * 72
    assert theirs["items"][0]["dollars"] == pytest.approx(2 * hours * 21.9576), (
        "On-Demand, as in 2024"
    )
    assert any("from $10.00 an hour" in note for note in document["notes"])


def test_a_type_that_is_sold_only_in_blocks_is_estimated_in_one(line: Line) -> None:
    chosen = [word for pair in BLOCK.items() for word in ("-c", "=".join(pair))]
    done = line(NO_PRICES, "cost", "--json", *chosen, "-c", "gpu.instance_type=p5e.48xlarge")
    assert done.exit_code == 0
    mine, _ = json.loads(done.stdout)["ways"]
    assert mine["items"][0]["dollars"] == 2 * mine["hours"]["train"] * 10


def test_a_type_without_a_known_rate_needs_the_hours_given(line: Line) -> None:
    small = ("-c", "gpu.instance_type=g5.12xlarge")
    done = line(NO_PRICES, "cost", *small)
    assert done.exit_code == 2
    assert in_order(done.stderr, "g5.12xlarge", "no rate", "--training-hours")
    assert not done.stdout
    done = line(NO_PRICES, "cost", "--json", *small, "--training-hours", "200")
    assert json.loads(done.stdout)["ways"][0]["hours"]["train"] == 200
    assert "no rate" in " ".join(line({}, "ready", *small).stdout.split())
    assert "--hours" in line({}, "preflight", "--offers", *small).stderr


def test_hours_of_a_training_that_does_not_start_are_refused(line: Line) -> None:
    off = ("-c", "training.enabled=false")
    done = line(NO_PRICES, "cost", *off, "--training-hours", "10")
    assert done.exit_code == 2
    assert in_order(done.stderr, "--training-hours", "training.enabled")
    assert "training.enabled is false" in line(NO_PRICES, "cost", *off).stdout


def spent(**answers: Any) -> Answers:
    metrics = {"UnblendedCost": {"Amount": "12.5", "Unit": "USD"}}
    group = {"Keys": ["Amazon EC2"], "Metrics": metrics}
    points = [{"Average": each} for each in (0.0, 90.0, 95.0)]
    known: Answers = {
        "ce.get_cost_and_usage": {"ResultsByTime": [{"Groups": [group]}]},
        "cloudwatch.get_metric_statistics": {"Datapoints": points},
    }
    return NO_PRICES | known | {key.replace("__", "."): each for key, each in answers.items()}


def test_what_was_spent_is_in_the_same_document(line: Line) -> None:
    done = line(spent(), "cost", "--json", "--actual", "--days", "7")
    assert done.exit_code == 0
    document = json.loads(done.stdout)["actual"]
    assert document == {
        "days": 7,
        "could_not_tell": {},
        "services": {"Amazon EC2": 12.5},
        "gpu_nodes": {"hours": 3.0, "idle_hours": 1.0},
    }


def test_what_was_spent_is_shown_with_measured_idle_hours(line: Line) -> None:
    out = line(spent(), "cost", "--actual").stdout
    assert in_order(out, "30", "Amazon EC2", "12.50")
    assert in_order(out, "3 h", "1 h")


def test_unknown_spending_is_a_warning(line: Line) -> None:
    answers = spent(
        ce__get_cost_and_usage=denied("GetCostAndUsage"),
        cloudwatch__get_metric_statistics={"Datapoints": []},
    )
    done = line(answers, "cost", "--json", "--actual")
    assert done.exit_code == 1
    document = json.loads(done.stdout)["actual"]
    assert list(document["could_not_tell"]) == ["services"]
    assert "GetCostAndUsage" in document["could_not_tell"]["services"]
    assert (document["services"], document["gpu_nodes"]) == (None, None)
    done = line(answers, "cost", "--actual")
    assert "GetCostAndUsage" in done.stderr
    assert "CloudWatch" in done.stdout, "where no GPU node was seen"


def test_without_any_cost_reported_the_tag_to_activate_is_named(line: Line) -> None:
    done = line(spent(ce__get_cost_and_usage={"ResultsByTime": []}), "cost", "--actual")
    assert done.exit_code == 0
    assert "bionemo-on-eks/deployment" in " ".join(done.stdout.split())
