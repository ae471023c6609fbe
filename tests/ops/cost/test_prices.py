"""Where prices are from, and what is said of those that are not the region's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from ops.cost.prices import Prices, prices, table
from ops.price_table import HOURLY, TABLE_OF
from tests.context import read_settings
from tests.ops.cost.estimates import bills, dollars
from tests.simulated.aws import Answer, Answers, SimulatedAws, denied, error

LISTED = HOURLY["p4d.24xlarge"]


def test_every_instance_type_has_a_price() -> None:
    """But those that AWS sells in Capacity Blocks alone."""
    types = set(GPU_INSTANCE_TYPES) | set(CORE_INSTANCE_TYPES)
    assert types - set(table().hourly) == {"p5e.48xlarge"}


def offer(price: str, region: str = "us-west-2") -> Answer:
    terms = {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": price}}}}}}

    def answer(ServiceCode: str, Filters: list[dict[str, str]]) -> dict[str, Any]:
        assert ServiceCode == "AmazonEC2"
        wanted = {each["Field"]: each["Value"] for each in Filters}
        assert wanted["regionCode"] == region
        assert wanted["instanceType"] in ("p4d.24xlarge", "m5.xlarge")
        exact = {"operatingSystem": "Linux", "tenancy": "Shared", "capacitystatus": "Used"}
        exact["preInstalledSw"] = "NA"
        assert exact.items() <= wanted.items()
        return {"PriceList": [json.dumps({"terms": terms})]}

    return answer


def asked(answers: Answers, region: str = "us-west-2", **changes: str) -> Prices:
    changes = {"region": region, **changes}
    settings = read_settings({name.replace("__", "."): value for name, value in changes.items()})
    aws = SimulatedAws(answers, region)
    known = prices(aws, settings)
    assert not aws.broken, aws.broken
    assert aws.regions["pricing"] == "us-east-1", "where the Price List API is"
    return known


def test_prices_come_from_the_price_list_when_it_answers() -> None:
    known = asked({"pricing.get_products": offer("3.5", "eu-west-1")}, "eu-west-1")
    assert known.hourly["p4d.24xlarge"] == known.hourly["m5.xlarge"] == 3.5
    assert "eu-west-1" in known.source
    (note,) = known.notes  # what is not EC2's is another region's
    assert "us-west-2" in note
    assert asked({"pricing.get_products": offer("3.5")}).notes == ()


@pytest.mark.parametrize(
    "answer", [denied("GetProducts"), {"PriceList": []}, offer("0.0000"), error("GetProducts", "X")]
)
def test_else_from_the_dated_table(answer: Any) -> None:
    known = asked({"pricing.get_products": answer})
    assert known.hourly["p4d.24xlarge"] == LISTED
    assert TABLE_OF in known.source
    assert known.notes == ()


def test_the_table_of_another_region_is_called_that() -> None:
    (note,) = asked({"pricing.get_products": denied("GetProducts")}, "eu-west-1").notes
    assert "eu-west-1" in note
    assert "us-west-2" in note


def spot(**asked_for: Any) -> dict[str, Any]:
    assert asked_for["InstanceTypes"][0] == "p4d.24xlarge"
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
    """What the training costs on Spot nodes, and the 2024 way."""
    mine, theirs = (dollars(each) for each in bills({"gpu.purchase": "spot"}, known))
    return mine["GPU nodes, training"], theirs["GPU nodes, training"]


def test_spot_nodes_cost_what_spot_costs_now_and_2024s_do_not() -> None:
    answers: Answers = {
        "pricing.get_products": denied("GetProducts"),
        "ec2.describe_spot_price_history": spot,
    }
    known = asked(answers, gpu__purchase="spot")
    assert known.spot == 7.5
    assert "us-west-2a" in known.notes[-1]
    mine, theirs = training(known)
    assert mine / theirs == pytest.approx(7.5 / LISTED)


def test_of_several_types_on_spot_the_dearest_counts_and_each_is_told() -> None:
    """EKS chooses by price and capacity."""
    answers: Answers = {
        "pricing.get_products": denied("GetProducts"),
        "ec2.describe_spot_price_history": spot,
    }
    known = asked(answers, gpu__purchase="spot", gpu__instance_type="p4d.24xlarge,p4de.24xlarge")
    assert known.spot == 8.25
    assert "$7.5 (p4d.24xlarge), $8.25 (p4de.24xlarge)" in known.notes[-1]


def test_of_a_reservation_it_is_said_that_it_costs_unused_too() -> None:
    reserved = {
        "gpu__purchase": "capacity-reservation",
        "gpu__capacity_reservation_id": "cr-0123456789abcdef0",
    }
    known = asked({"pricing.get_products": denied("GetProducts")}, **reserved)
    assert "whether they run or not" in known.notes[-1]


@pytest.mark.parametrize("answer", [denied("DescribeSpotPriceHistory"), {"SpotPriceHistory": []}])
def test_without_a_spot_price_on_demand_is_counted_and_it_is_said(answer: Any) -> None:
    """Spot never costs more: https://aws.amazon.com/ec2/spot/pricing/"""
    answers = {
        "pricing.get_products": denied("GetProducts"),
        "ec2.describe_spot_price_history": answer,
    }
    known = asked(answers, gpu__purchase="spot")
    assert (known.spot, len(known.notes)) == (None, 1)
    mine, theirs = training(known)
    assert mine == theirs


def test_without_aws_the_same_is_said_of_spot_and_region() -> None:
    settings = read_settings({"gpu.purchase": "spot", "region": "eu-west-1"})
    region, ceiling = prices(None, settings).notes
    assert "eu-west-1" in region
    assert "Spot" in ceiling
