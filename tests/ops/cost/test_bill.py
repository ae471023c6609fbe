"""The estimate: what a user's choices do to it, and that docs/cost.md says the same."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from cloudwatch_metrics import values
from job_states import states
from ops import cost
from ops.cost.bill import ALARMS, METRICS, Bill, bill_of
from ops.cost.prices import table, with_block
from ops.cost.ways import until_now
from ops.price_table import HOURLY
from ops.show.cost import show_bills
from tests.context import COMPANY, read_settings
from tests.ops.cost.estimates import TODAY, bills, dollars, ours
from tests.ops.reading import in_order
from tests.simulated.capacity import BLOCK
from tests.workloads.watch.course import Course

ROOT = Path(__file__).resolve().parents[3]


def test_the_2024_way_pays_for_gpus_while_it_prepares_its_data_and_this_one_does_not() -> None:
    mine, theirs = bills()
    assert dollars(mine)["GPU nodes, training"] == dollars(theirs)["GPU nodes, training"]
    assert mine.way.idle_gpu_hours < 1
    assert theirs.way.idle_gpu_hours > theirs.way.prepare_hours >= 50
    saved = theirs.total - mine.total
    idle = dollars(theirs)["GPU nodes, idle"] - dollars(mine)["GPU nodes, idle"]
    assert 0.9 * saved < idle <= saved, "nearly all of what is saved"


@pytest.mark.parametrize("hours", [10.0, 500.0])
def test_what_is_saved_hardly_depends_on_how_long_the_training_runs(hours: float) -> None:
    mine, theirs = bills(hours=hours)
    reference, other = bills()
    # Except a day's logs, and the watch, which the 2024 way lacks: a cent an hour.
    saved, logs = other.total - reference.total, dollars(other)["logs"]
    apart = logs + 0.01 * abs(hours - reference.way.train_hours)
    assert theirs.total - mine.total == pytest.approx(saved, abs=apart)
    assert theirs.total > mine.total


def test_nodes_that_always_run_are_paid_for_as_long_as_the_deployment_exists() -> None:
    mine, _ = bills({"gpu.scaling": "fixed"})
    assert mine.way.gpu_hours == mine.way.hours
    asked_for, _ = bills()
    assert asked_for.way.gpu_hours < mine.way.gpu_hours


def test_a_key_that_the_settings_name_costs_the_deployment_nothing() -> None:
    changes = {"account.kms_key": COMPANY["account.kms_key"]}
    mine, theirs = bills(changes)
    (item,) = (each for each in mine.items if each.name == "KMS")
    assert (item.counted, item.dollars) == ("the given key", 0.0)
    assert dollars(theirs)["KMS"] > 0
    so_far = until_now(read_settings(changes), 24.0, 0.0)
    assert dollars(bill_of(read_settings(changes), so_far, table(), TODAY))["KMS"] == 0
    assert ours()["KMS"] > 0


def test_twice_the_gpu_nodes_cost_twice_as_much_and_so_does_twice_the_time() -> None:
    once, twice = ours(gpu__nodes="2"), ours(gpu__nodes="4")
    for name in ("GPU nodes, training", "GPU nodes, idle"):
        assert twice[name] == pytest.approx(2 * once[name])
    assert twice["FSx for Lustre"] == once["FSx for Lustre"]
    usual, _ = bills()
    longer, _ = bills(hours=2 * usual.way.train_hours)
    assert dollars(longer)["GPU nodes, training"] == pytest.approx(2 * once["GPU nodes, training"])


def test_a_file_system_that_is_faster_or_larger_costs_more() -> None:
    usual = ours()["FSx for Lustre"]
    assert ours(storage__throughput="1000")["FSx for Lustre"] > usual
    assert ours(storage__throughput="125")["FSx for Lustre"] < usual
    assert ours(storage__capacity_gib="4800")["FSx for Lustre"] == pytest.approx(2 * usual)


def test_extended_support_costs_six_times_as_much() -> None:
    """$0.60 an hour, not $0.10: https://aws.amazon.com/eks/pricing/"""
    assert ours(kubernetes_version="1.33")["EKS"] == pytest.approx(6 * ours()["EKS"])


def test_a_second_nat_gateway_costs_as_much_as_the_first_and_so_does_its_address() -> None:
    one, both = ours(), ours(network__nat_gateways="per-zone")
    none = ours(network__vpc_id="vpc-0123456789abcdef0")
    assert both["public addresses"] == pytest.approx(2 * one["public addresses"])
    assert both["NAT"] - one["NAT"] == pytest.approx(one["NAT"] - none["NAT"])


def test_a_given_vpc_has_its_own_gateway_but_its_traffic_is_paid_for() -> None:
    given = ours(network__vpc_id="vpc-0123456789abcdef0")
    assert given["public addresses"] == 0
    assert given["NAT"] > 0


@pytest.mark.parametrize("hours", [10, 2000])
def test_a_bucket_costs_for_the_run_and_if_kept_for_a_month_after(hours: float) -> None:
    kept, _ = bills(hours=hours)
    deleted, _ = bills({"storage.keep_bucket": "false"}, hours=hours)
    run = kept.way.hours / 730
    assert dollars(deleted)["S3"] / dollars(kept)["S3"] == pytest.approx(run / (run + 1))


def test_preparing_the_data_the_2024_way_keeps_everything_up_for_longer() -> None:
    slow, quick = ours(dataset__preparation="bionemo"), ours()
    assert slow["EKS"] > 1.5 * quick["EKS"]
    assert slow["GPU nodes, idle"] == quick["GPU nodes, idle"], "none runs before there is data"


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("region", ["us-west-2", "eu-west-1"])
def test_the_tables_fit_the_terminal_and_hold_every_figure(width: int, region: str) -> None:
    settings = read_settings({"region": region})
    known, out = table(region), io.StringIO()
    mine, theirs = cost.bills(settings, known, TODAY)
    show_bills(Console(file=out, width=width), settings, mine, theirs, known)
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    shown = set(re.findall(r"[\d,]+(?:\.\d+)?", text))
    for bill in (mine, theirs):
        assert {f"{item.dollars:,.2f}" for item in bill.items} <= shown
        assert {f"{bill.total:,.2f}", f"{bill.way.hours:g}"} <= shown
        assert {f"{hours:g}" for hours in bill.way.phases.values()} <= shown
        assert f"{settings.gpus * bill.way.idle_gpu_hours:,.1f}" in shown
    assert f"{theirs.total - mine.total:,.2f}" in shown
    assert " ".join(known.notes) in " ".join(text.split())


def test_the_document_has_the_tables_figures() -> None:
    """docs/cost.md shows the arithmetic for the defaults, line by line."""
    text = (ROOT / "docs/cost.md").read_text()
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]*) \| ([\d,.]+) \| ([^|]*) \| ([\d,.]+) \|$", text, re.MULTILINE
    )
    mine, theirs = bills()
    expected = [
        (own.name, own.counted, f"{own.dollars:,.2f}", its.counted, f"{its.dollars:,.2f}")
        for own, its in zip(mine.items, theirs.items, strict=True)
    ]
    assert rows == [*expected, ("total", "", f"{mine.total:,.2f}", "", f"{theirs.total:,.2f}")]
    assert f"**${theirs.total - mine.total:,.2f} less**" in " ".join(text.split())
    idle = dollars(theirs)["GPU nodes, idle"] - dollars(mine)["GPU nodes, idle"]
    assert f"${idle:,.2f} of it are GPU" in text
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"a run is ${mine.total:,.2f}; the 2024 blueprint's is ${theirs.total:,.2f}." in readme
    assert f"difference, ${theirs.total - mine.total:,.2f}, is" in readme
    assert f"for {mine.way.train_hours:g} hours" in readme


def test_the_watch_costs_what_its_metrics_and_the_alarms_do(default: Any) -> None:
    """CloudWatch counts each metric and each alarm."""
    assert len(values(states(Course().look()))) == METRICS
    alarms = default.resources("Observability", "AWS::CloudWatch::Alarm")
    assert len(alarms) == ALARMS
    mine, theirs = bills()
    month = METRICS * 0.30 + ALARMS * 0.10
    assert dollars(mine)["CloudWatch"] == pytest.approx(month * mine.way.hours / 730)
    assert dollars(theirs)["CloudWatch"] == 0


def in_block(hourly: float | None, hours: float = 84, **changes: str) -> Bill:
    """This way's bill, with nodes in a Capacity Block at this hourly price."""
    chosen = BLOCK | {name.replace("__", "."): value for name, value in changes.items()}
    known = with_block(table(), read_settings(chosen), hourly)
    return bills(chosen, known, hours)[0]


def test_a_capacity_block_is_paid_for_to_its_end() -> None:
    bill = in_block(10.0)
    items = dollars(bill)
    assert bill.way.gpu_hours == 96, "the shortest block that holds 84 hours"
    assert items["GPU nodes, training"] + items["GPU nodes, idle"] == 2 * 96 * 10
    assert "Capacity Block" in bill.items[0].counted
    assert bill.items[0].source == "AWS", "as it is sold now"


def test_a_type_sold_only_in_blocks_has_its_block_price() -> None:
    bill = in_block(None, gpu__instance_type="p5e.48xlarge")
    assert bill.items[0].dollars == pytest.approx(2 * 84 * 43.26)
    assert bill.items[0].source == "table"


def test_a_block_without_a_known_price_is_counted_as_on_demand_and_noted() -> None:
    settings = read_settings(BLOCK | {"gpu.instance_type": "p5en.48xlarge"})
    known = with_block(table(), settings, None)
    assert known.block is None
    assert "counted as On-Demand" in known.notes[0]


def test_the_cost_with_each_further_type_is_reported() -> None:
    chosen = {"gpu.instance_type": "p4d.24xlarge,p4de.24xlarge"}
    settings = read_settings(chosen)
    (text,) = cost.with_other_types(settings, table(), TODAY)
    other, _ = bills({"gpu.instance_type": "p4de.24xlarge"})
    assert in_order(text, "p4de.24xlarge", "p4d.24xlarge")
    assert f"${other.total:,.2f}" in text
    one = read_settings({})
    assert cost.with_other_types(one, table(), TODAY) == []


def test_the_document_has_the_other_types() -> None:
    """Hours are assumed from memory bandwidth; dollars follow from them and the price table."""
    text = (ROOT / "docs/cost.md").read_text()
    rows = re.findall(
        r"^\| (\S+) \| \d x (\S+) \S+ \S+ \| ([\d,]+) \| ([\d.]+) \| \$([\d.]+) \| ([\d,.]+) \|",
        text,
        re.MULTILINE,
    )
    assert [row[0] for row in rows] == [
        *("p3.16xlarge", "p4d.24xlarge", "p5.48xlarge", "g6e.48xlarge")
    ]
    of_v100 = int(rows[0][2].replace(",", ""))
    for name, model, bandwidth, hours, hourly, total in rows:
        assert GPU_INSTANCE_TYPES[name].gpu_model == model
        mine, _ = bills({"gpu.instance_type": name})
        assumed = round(84 * of_v100 / int(bandwidth.replace(",", "")), 1)
        assert float(hours) == mine.way.train_hours == assumed
        assert float(hourly) == HOURLY[name]
        assert total == f"{mine.total:,.2f}"


def test_the_document_has_the_hours() -> None:
    text = (ROOT / "docs/cost.md").read_text()
    mine, theirs = (bill.way for bill in bills())
    for phase, hours in mine.phases.items():
        assert f"| {phase} | {hours:g} | {theirs.phases[phase]:g} |" in text
    assert f"| from deploy to destroy | {mine.hours:g} | {theirs.hours:g} |" in text
    assert f"| paid per GPU node | {mine.gpu_hours:g} | {theirs.gpu_hours:g} |" in text
    assert f"| of which idle | {mine.idle_gpu_hours:g} | {theirs.idle_gpu_hours:g} |" in text
