"""Where prices are from, and the notes on those that are not the region's own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from ops.cost.prices import Prices, prices, table
from ops.price_table import HOURLY, TABLE_OF
from tests.context import read_settings
from tests.ops.cost.estimates import bills, dollars
from tests.ops.reading import in_order
from tests.simulated.aws import Answer, Answers, SimulatedAws, denied, error
from tests.simulated.prices import priced, product

LISTED = HOURLY["p4d.24xlarge"]


def test_every_instance_type_has_a_price() -> None:
    """Except those that AWS sells only in Capacity Blocks."""
    types = set(GPU_INSTANCE_TYPES) | set(CORE_INSTANCE_TYPES)
    assert types - set(table().hourly) == {"p5e.48xlarge"}


def offer(price: float, region: str = "us-west-2") -> Answer:
    """A Price List with one price for all instances, and none for services."""

    def answer(ServiceCode: str, Filters: list[dict[str, str]]) -> dict[str, Any]:
        wanted = {each["Field"]: each["Value"] for each in Filters}
        assert wanted["regionCode"] == region
        if "instanceType" not in wanted:
            return {"PriceList": []}
        assert ServiceCode == "AmazonEC2"
        assert wanted["instanceType"] in ("p4d.24xlarge", "m5.xlarge")
        exact = {"operatingSystem": "Linux", "tenancy": "Shared", "capacitystatus": "Used"}
        exact |= {"preInstalledSw": "NA", "marketoption": "OnDemand"}
        assert exact.items() <= wanted.items()
        assert {each["Type"] for each in Filters} == {"TERM_MATCH"}
        return {"PriceList": [product(price)]}

    return answer


def asked(answers: Answers, region: str = "us-west-2", **changes: str) -> Prices:
    changes = {"region": region, **changes}
    settings = read_settings({name.replace("__", "."): value for name, value in changes.items()})
    aws = SimulatedAws(answers, region)
    known = prices(aws, settings)
    assert not aws.broken, aws.broken
    assert aws.regions["pricing"] == "us-east-1", "where the Price List API is"
    return known


def sources(known: Prices, **changes: str) -> dict[str, str]:
    """Where each item's price in the bill of these settings is from."""
    mine, _ = bills({name.replace("__", "."): value for name, value in changes.items()}, known)
    return {item.name: item.source for item in mine.items}


def test_prices_come_from_the_price_list_when_it_answers() -> None:
    known = asked({"pricing.get_products": priced}, "eu-west-1", kubernetes_version="1.33")
    assert known.source == "the Price List API for eu-west-1"
    assert known.notes == ()
    assert set(sources(known, kubernetes_version="1.33").values()) == {"AWS"}
    assert [each.dollars for each in bills({}, known)[0].items] == pytest.approx(
        [each.dollars for each in bills()[0].items]
    ), "the same prices"


def test_only_a_price_missing_from_the_price_list_comes_from_the_table() -> None:
    known = asked({"pricing.get_products": offer(3.5, "eu-west-1")}, "eu-west-1")
    assert known.hourly["p4d.24xlarge"] == known.hourly["m5.xlarge"] == 3.5
    of = sources(known)
    assert {name for name, source in of.items() if source == "AWS"} == {
        *("GPU nodes, training", "GPU nodes, idle", "core nodes")
    }
    assert set(of.values()) == {"AWS", "table"}
    (note,) = known.notes
    assert in_order(note, "eu-west-1", "EKS", "NAT gateways", "FSx for Lustre", "us-west-2")
    assert "m5.xlarge" not in note
    assert asked({"pricing.get_products": offer(3.5)}).notes == (), "the table is of that region"


def only(usage_type: str, *products: str) -> Answer:
    """A Price List that has these products for one usage type, and nothing else."""

    def answer(Filters: list[dict[str, str]], **more: Any) -> dict[str, Any]:
        wanted = {each["Field"]: each for each in Filters}
        known = wanted.get("usagetype", {}).get("Value") == usage_type
        if known:
            assert wanted["usagetype"]["Type"] == "CONTAINS", "each region has its prefix"
        return {"PriceList": list(products) if known else []}

    return answer


@pytest.mark.parametrize("prefix", ["", "EU-", "EUC1-", "eu-west-1-"])
def test_a_services_price_is_that_of_its_usage_type_in_the_region(prefix: str) -> None:
    key = product(2.0, f"{prefix}KMS-Keys")
    other = product(1.5, f"{prefix}Other-KMS-Keys")
    known = asked({"pricing.get_products": only("KMS-Keys", other, key)}, "eu-west-1")
    assert dollars(bills({}, known)[0])["KMS"] == pytest.approx(2 * dollars(bills()[0])["KMS"])
    assert sources(known)["KMS"] == "AWS"


def test_of_a_price_in_tiers_the_first_counts_in_whatever_order_they_come() -> None:
    metric = product(0.6, "EU-CW:MetricMonitorUsage", from_10000=0.1, from_250000=0.05)
    known = asked({"pricing.get_products": only("CW:MetricMonitorUsage", metric)}, "eu-west-1")
    (item,) = (each for each in bills({}, known)[0].items if each.name == "CloudWatch")
    assert "metrics x $0.6," in item.counted
    assert item.source == "AWS, table", "alarms have theirs from the table"


def test_an_ambiguous_price_comes_from_the_table() -> None:
    keys = [product(price, "EU-KMS-Keys") for price in (1.0, 2.0)]
    known = asked({"pricing.get_products": only("KMS-Keys", *keys)}, "eu-west-1")
    assert sources(known)["KMS"] == "table"


def test_extended_support_comes_on_top_of_the_clusters_price() -> None:
    """$0.10 and $0.50: https://aws.amazon.com/eks/pricing/"""
    known = asked({"pricing.get_products": priced}, kubernetes_version="1.33")
    mine, _ = bills({"kubernetes_version": "1.33"}, known)
    assert dollars(mine)["EKS"] == pytest.approx(0.60 * mine.way.hours)


@pytest.mark.parametrize(
    "answer",
    [denied("GetProducts"), {"PriceList": []}, offer(0.0), error("GetProducts", "X")],
)
def test_without_the_price_list_prices_come_from_the_dated_table(answer: Any) -> None:
    known = asked({"pricing.get_products": answer})
    assert known.hourly["p4d.24xlarge"] == LISTED
    assert TABLE_OF in known.source
    assert known.notes == ()
    assert set(sources(known).values()) == {"table"}


def test_prices_of_another_region_are_noted_as_such() -> None:
    (note,) = asked({"pricing.get_products": denied("GetProducts")}, "eu-west-1").notes
    assert "eu-west-1" in note
    assert "us-west-2" in note


def spot(**asked_for: Any) -> dict[str, Any]:
    assert asked_for["InstanceTypes"][0] in ("p4d.24xlarge", "p4de.24xlarge")
    assert asked_for["AvailabilityZone"] == "us-west-2a"
    assert asked_for["ProductDescriptions"] == ["Linux/UNIX"]
    old, new = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2))
    return {
        "SpotPriceHistory": [
            {"InstanceType": kind, "SpotPrice": price, "Timestamp": when}
            for kind, price, when in (
                ("p4d.24xlarge", "7.5", new),
                ("p4d.24xlarge", "9.0", old),
                ("p4de.24xlarge", "8.25", new),
            )
            if kind in asked_for["InstanceTypes"]
        ]
    }


def training(known: Prices) -> tuple[float, float]:
    """What the training costs on Spot nodes, and in the 2024 blueprint."""
    mine, theirs = (dollars(each) for each in bills({"gpu.purchase": "spot"}, known))
    return mine["GPU nodes, training"], theirs["GPU nodes, training"]


def test_spot_nodes_cost_what_spot_costs_now_and_2024s_do_not() -> None:
    answers: Answers = {
        "pricing.get_products": denied("GetProducts"),
        "ec2.describe_spot_price_history": spot,
    }
    known = asked(answers, gpu__purchase="spot")
    assert known.spot == 7.5
    assert sources(known, gpu__purchase="spot")["GPU nodes, training"] == "AWS"
    assert "us-west-2a" in known.notes[-1]
    mine, theirs = training(known)
    assert mine / theirs == pytest.approx(7.5 / LISTED)


def test_of_several_types_on_spot_the_most_expensive_counts_and_each_is_reported() -> None:
    """EKS chooses by price and capacity."""
    answers: Answers = {
        "pricing.get_products": denied("GetProducts"),
        "ec2.describe_spot_price_history": spot,
    }
    known = asked(answers, gpu__purchase="spot", gpu__instance_type="p4d.24xlarge,p4de.24xlarge")
    assert known.spot == 8.25
    assert "$7.5 (p4d.24xlarge), $8.25 (p4de.24xlarge)" in known.notes[-1]


def test_a_reservation_is_noted_to_cost_the_same_unused() -> None:
    reserved = {
        "gpu__purchase": "capacity-reservation",
        "gpu__capacity_reservation_id": "cr-0123456789abcdef0",
    }
    known = asked({"pricing.get_products": denied("GetProducts")}, **reserved)
    assert "whether they run or not" in known.notes[-1]


@pytest.mark.parametrize("answer", [denied("DescribeSpotPriceHistory"), {"SpotPriceHistory": []}])
def test_without_a_spot_price_on_demand_is_counted_and_noted(answer: Any) -> None:
    """Spot never costs more: https://aws.amazon.com/ec2/spot/pricing/"""
    answers = {
        "pricing.get_products": denied("GetProducts"),
        "ec2.describe_spot_price_history": answer,
    }
    known = asked(answers, gpu__purchase="spot")
    assert (known.spot, len(known.notes)) == (None, 1)
    mine, theirs = training(known)
    assert mine == theirs


def test_without_aws_the_notes_on_spot_and_region_remain() -> None:
    settings = read_settings({"gpu.purchase": "spot", "region": "eu-west-1"})
    region, ceiling = prices(None, settings).notes
    assert "eu-west-1" in region
    assert "Spot" in ceiling
