"""The estimate: its arithmetic, where its prices are from, and that docs/cost.md says the same."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from ops import cost, prices, show
from ops.cost import idle
from ops.prices import Prices
from tests.context import read_settings
from tests.simulated.accounts import simulated_deployment
from tests.simulated.aws import Answer, Answers, SimulatedAws, denied, error, in_pages

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 11, 24)


def bills(
    known: Prices | None = None, hours: float | None = None, **changes: str
) -> dict[str, dict[str, cost.Item]]:
    settings = read_settings({name.replace("__", "."): value for name, value in changes.items()})
    return {
        way.name: {
            item.name: item for item in cost.bill(settings, way, known or prices.table(), TODAY)
        }
        for way in cost.ways(settings, hours)
    }


def dollars(known: Prices | None = None, **changes: str) -> dict[str, dict[str, float]]:
    return {
        way: {name: item.dollars for name, item in items.items()}
        for way, items in bills(known, None, **changes).items()
    }


def ours(**changes: str) -> dict[str, float]:
    return dollars(None, **changes)["these settings"]


def test_the_training_takes_what_the_source_document_says() -> None:
    """At least 3 to 4 days on two p3.16xlarge."""
    assert cost.ways(read_settings({}))[0].train_hours == 3.5 * 24


def test_idle_gpus_are_the_difference_between_the_ways() -> None:
    found = dollars()
    mine, theirs = found["these settings"], found["2024 blueprint"]
    assert mine["GPU nodes, training"] == theirs["GPU nodes, training"] == 2 * 84 * 24.48
    assert theirs["GPU nodes, idle"] == pytest.approx(2 * 56 * 24.48)
    assert mine["GPU nodes, idle"] == pytest.approx(2 * 0.4 * 24.48)


@pytest.mark.parametrize("hours", [10.0, 84.0, 500.0])
def test_what_is_saved_does_not_depend_on_how_long_the_training_runs(hours: float) -> None:
    found = bills(hours=hours)
    mine, theirs = (sum(item.dollars for item in each.values()) for each in found.values())
    reference = dollars()
    saved = sum(reference["2024 blueprint"].values()) - sum(reference["these settings"].values())
    assert theirs - mine == pytest.approx(saved)
    assert saved > 2700


def test_nodes_that_always_run_are_idle_before_and_after() -> None:
    hours = cost.DEPLOY_HOURS + cost.STREAMING_HOURS + cost.DESTROY_HOURS
    assert ours(gpu__scaling="fixed")["GPU nodes, idle"] == pytest.approx(2 * hours * 24.48)


def test_storage_is_billed_by_the_hour() -> None:
    assert ours()["FSx for Lustre"] == pytest.approx(2400 * 0.34 * 85.5 / 730)
    assert ours(storage__throughput="1000")["FSx for Lustre"] > ours()["FSx for Lustre"]


def test_extended_support_costs_more() -> None:
    assert ours(kubernetes_version="1.33")["EKS"] == pytest.approx(6 * ours()["EKS"])


def test_a_nat_gateway_has_an_address_that_costs_too() -> None:
    assert ours()["public addresses"] == pytest.approx(85.5 * 0.005)
    per_zone = ours(network__nat_gateways="per-zone")
    assert per_zone["public addresses"] == pytest.approx(2 * 85.5 * 0.005)


def test_a_given_vpc_has_its_own_way_out() -> None:
    found = ours(network__vpc_id="vpc-0123456789abcdef0")
    assert found["public addresses"] == 0
    assert found["NAT"] == pytest.approx(57 * 0.045), "what goes through is paid for all the same"


def test_a_bucket_that_is_not_kept_costs_nothing_afterwards() -> None:
    assert ours()["S3"] == pytest.approx(54 * 0.023)
    assert ours(storage__keep_bucket="false")["S3"] == pytest.approx(54 * 0.023 * 85.5 / 730)


def test_every_instance_type_has_a_price() -> None:
    known = prices.table().hourly
    assert set(known) >= set(GPU_INSTANCE_TYPES) | set(CORE_INSTANCE_TYPES)


def offer(price: str, region: str = "us-west-2") -> Answer:
    terms = {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": price}}}}}}

    def answer(ServiceCode: str, Filters: list[dict[str, str]]) -> dict[str, Any]:
        assert ServiceCode == "AmazonEC2"
        wanted = {each["Field"]: each["Value"] for each in Filters}
        assert wanted["regionCode"] == region
        assert wanted["instanceType"] in ("p3.16xlarge", "m5.xlarge")
        exact = {"operatingSystem": "Linux", "tenancy": "Shared", "capacitystatus": "Used"}
        exact["preInstalledSw"] = "NA"
        assert exact.items() <= wanted.items()
        return {"PriceList": [json.dumps({"terms": terms})]}

    return answer


def asked(answers: Answers, region: str = "us-west-2", **changes: str) -> Prices:
    changes = {"region": region, **changes}
    settings = read_settings({name.replace("__", "."): value for name, value in changes.items()})
    aws = SimulatedAws(answers, region)
    found = prices.prices(aws, settings)
    assert not aws.broken, aws.broken
    assert aws.regions["pricing"] == "us-east-1", "where the Price List API is"
    return found


def test_prices_come_from_the_price_list_when_it_answers() -> None:
    found = asked({"pricing.get_products": offer("3.5", "eu-west-1")}, "eu-west-1")
    assert found.hourly["p3.16xlarge"] == 3.5
    assert "Price List API for EC2 in eu-west-1" in found.source
    assert found.notes == ("Prices of EC2 are those of eu-west-1, the others those of us-west-2.",)
    assert asked({"pricing.get_products": offer("3.5")}).notes == ()


@pytest.mark.parametrize(
    "answer", [denied("GetProducts"), {"PriceList": []}, offer("0.0000"), error("GetProducts", "X")]
)
def test_else_from_the_dated_table(answer: Any) -> None:
    found = asked({"pricing.get_products": answer})
    assert found.hourly["p3.16xlarge"] == 24.48
    assert found.source == f"the project's table of {prices.TABLE_OF}, us-west-2"
    assert found.notes == ()


def test_the_table_of_another_region_is_called_that() -> None:
    found = asked({"pricing.get_products": denied("GetProducts")}, "eu-west-1")
    (note,) = found.notes
    assert "No price of eu-west-1 is at hand" in note
    assert "those of us-west-2" in note


def spot(**asked_for: Any) -> dict[str, Any]:
    assert asked_for["InstanceTypes"] == ["p3.16xlarge"]
    assert asked_for["AvailabilityZone"] == "us-west-2a"
    assert asked_for["ProductDescriptions"] == ["Linux/UNIX"]
    old, new = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2))
    return {
        "SpotPriceHistory": [
            {"SpotPrice": "9.0", "Timestamp": old},
            {"SpotPrice": "7.5", "Timestamp": new},
        ]
    }


def test_spot_nodes_cost_what_spot_costs_now_and_2024s_do_not() -> None:
    answers: Answers = {
        "pricing.get_products": denied("GetProducts"),
        "ec2.describe_spot_price_history": spot,
    }
    known = asked(answers, gpu__purchase="spot")
    assert "Spot in us-west-2a: $7.5 now" in known.notes[-1]
    found = dollars(known, gpu__purchase="spot")
    assert found["these settings"]["GPU nodes, training"] == 2 * 84 * 7.5
    assert found["2024 blueprint"]["GPU nodes, training"] == 2 * 84 * 24.48


@pytest.mark.parametrize("answer", [denied("DescribeSpotPriceHistory"), {"SpotPriceHistory": []}])
def test_without_a_spot_price_on_demand_is_said_to_be_the_ceiling(answer: Any) -> None:
    answers = {
        "pricing.get_products": denied("GetProducts"),
        "ec2.describe_spot_price_history": answer,
    }
    known = asked(answers, gpu__purchase="spot")
    assert "Spot's ceiling" in known.notes[-1]
    found = dollars(known, gpu__purchase="spot")["these settings"]
    assert found["GPU nodes, training"] == 2 * 84 * 24.48


def test_without_aws_the_same_is_said_of_spot_and_region() -> None:
    settings = read_settings({"gpu.purchase": "spot", "region": "eu-west-1"})
    region, ceiling = prices.prices(None, settings).notes
    assert "No price of eu-west-1" in region
    assert "Spot's ceiling" in ceiling


def test_what_was_spent_is_what_carries_the_tag_summed_by_service() -> None:
    def period(amount: str) -> dict[str, Any]:
        metrics = {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}
        return {"Groups": [{"Keys": ["Amazon EC2"], "Metrics": metrics}]}

    def answer(TimePeriod: dict[str, str], **asked_for: Any) -> dict[str, Any]:
        assert asked_for["Filter"] == {
            "Tags": {"Key": "bionemo-on-eks/deployment", "Values": ["bionemo-on-eks"]}
        }
        assert asked_for["GroupBy"] == [{"Type": "DIMENSION", "Key": "SERVICE"}]
        begin, end = (date.fromisoformat(TimePeriod[each]) for each in ("Start", "End"))
        assert (end - begin).days == 30
        assert end > datetime.now(UTC).date(), "the end is exclusive"
        return {"ResultsByTime": [period("1.5"), period("2.25")]}

    deployment = simulated_deployment({}, {"ce.get_cost_and_usage": answer})
    assert cost.actual(deployment, 30) == {"Amazon EC2": 3.75}
    assert isinstance(deployment.aws, SimulatedAws)
    assert deployment.aws.regions["ce"] == "us-east-1"


def test_what_was_spent_is_on_all_pages_of_cost_explorer() -> None:
    def period(service: str, amount: str) -> dict[str, Any]:
        metrics = {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}
        return {"Groups": [{"Keys": [service], "Metrics": metrics}]}

    answer = in_pages(
        "ResultsByTime",
        [period("Amazon EC2", "1.5")],
        [period("Amazon FSx", "4")],
        [period("Amazon EC2", "2.25")],
        token="NextPageToken",
    )
    deployment = simulated_deployment({}, {"ce.get_cost_and_usage": answer})
    assert cost.actual(deployment, 90) == {"Amazon EC2": 3.75, "Amazon FSx": 4.0}


def used(*averages: float) -> Answer:
    def answer(Period: int, **asked_for: Any) -> dict[str, Any]:
        assert asked_for["Dimensions"] == [{"Name": "ClusterName", "Value": "bionemo-on-eks"}]
        assert asked_for["Namespace"] == "ContainerInsights"
        assert asked_for["MetricName"] == "node_gpu_utilization"
        assert asked_for["Statistics"] == ["Average"]
        span = asked_for["EndTime"] - asked_for["StartTime"]
        assert span.total_seconds() / Period <= 1440, "the most points of an answer"
        return {"Datapoints": [{"Average": each} for each in averages]}

    return answer


@pytest.mark.parametrize(("days", "each"), [(30, 1), (60, 1), (365, 7)])
def test_hours_without_work_are_measured(days: int, each: int) -> None:
    deployment = simulated_deployment(
        {}, {"cloudwatch.get_metric_statistics": used(0.0, 4.9, 80.0, 97.0)}
    )
    assert idle.measured(deployment, days) == idle.Idle(4.0 * each, 2.0 * each)


def test_where_no_gpu_node_was_seen_nothing_is_measured() -> None:
    deployment = simulated_deployment({}, {"cloudwatch.get_metric_statistics": used()})
    assert idle.measured(deployment, 30) is None


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("region", ["us-west-2", "eu-west-1"])
def test_the_tables_fit_the_terminal_and_tell_of_hours_and_savings(width: int, region: str) -> None:
    settings = read_settings({"region": region})
    known, out = prices.table(region), io.StringIO()
    found = [(way, cost.bill(settings, way, known, TODAY)) for way in cost.ways(settings)]
    show.bills(Console(file=out, width=width), settings, found, known)
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    assert re.search(r"prepare the data +0\.5 +55", text)
    assert re.search(r"of which it is idle +0\.4 +56", text)
    assert re.search(r"idle GPU hours \(16 GPUs\) +6\.4 +896\.0", text)
    assert re.search(r"\$2,\d{3}\.\d\d less than the 2024 way", text)
    assert ("No price of eu-west-1 is at hand" in " ".join(text.split())) == (region != "us-west-2")


def test_the_document_has_the_tables_figures() -> None:
    """docs/cost.md shows the arithmetic for the defaults; each line is recomputed here."""
    text = (ROOT / "docs/cost.md").read_text()
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]*) \| ([\d,.]+) \| ([^|]*) \| ([\d,.]+) \|$", text, re.MULTILINE
    )
    found = bills()
    mine, theirs = found["these settings"], found["2024 blueprint"]
    expected = [
        (
            name,
            mine[name].counted,
            f"{mine[name].dollars:,.2f}",
            theirs[name].counted,
            f"{theirs[name].dollars:,.2f}",
        )
        for name in mine
    ]
    totals = [f"{sum(each.dollars for each in way.values()):,.2f}" for way in (mine, theirs)]
    assert rows == [*expected, ("total", "", totals[0], "", totals[1])]


def test_the_document_has_the_hours() -> None:
    text = (ROOT / "docs/cost.md").read_text()
    mine, theirs = cost.ways(read_settings({}))
    for phase, hours in mine.phases.items():
        assert f"| {phase} | {hours:g} | {theirs.phases[phase]:g} |" in text
    assert f"| from deploy to destroy | {mine.hours:g} | {theirs.hours:g} |" in text
    assert f"| each GPU node is paid for | {mine.gpu_hours:g} | {theirs.gpu_hours:g} |" in text
    assert f"| of which it is idle | {mine.idle_gpu_hours:g} | {theirs.idle_gpu_hours:g} |" in text


def test_the_document_states_the_saving() -> None:
    text = " ".join((ROOT / "docs/cost.md").read_text().split())
    mine, theirs = (sum(way.values()) for way in dollars().values())
    assert f"**${theirs - mine:,.2f} less**" in text
