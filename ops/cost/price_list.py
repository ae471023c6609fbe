"""Single prices in US dollars: from AWS's Price List for a region, and Spot prices.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ops.aws import Aws
from ops.cost.figures import Figure

# The Price List API is available in few regions:
# https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
_API_REGION = "us-east-1"


def instance_hour(aws: Aws, instance_type: str) -> float:
    """Return the hourly price of an On-Demand instance in the region of `aws`.

    Raises ClientError or BotoCoreError if AWS does not answer, LookupError or ValueError if its
    answer has no price, or more than one; so do the others.
    """
    wanted = {
        "instanceType": instance_type,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        # Types sold in Capacity Blocks have a second product, for $0.
        "marketoption": "OnDemand",
    }
    return _one_price(instance_type, _products(aws, "AmazonEC2", wanted))


def service_price(aws: Aws, figure: Figure) -> float:
    """Return the price of `figure` in the region of `aws`; if it has tiers, that of the first."""
    products = _products(aws, figure.service, dict(figure.attributes), figure.usage_type)
    # A usage type's prefix is `EUC1-` or the like, for KMS the region's name (`eu-central-1-`), and
    # often empty; with anything else before it, it is a different one.
    exact = re.compile(rf"(?:[A-Z]+\d*-|{aws.region}-)?{re.escape(figure.usage_type)}")
    own = [each for each in products if exact.fullmatch(each["product"]["attributes"]["usagetype"])]
    return _one_price(figure.name, own)


def spot_hour(aws: Aws, instance_type: str, zone: str) -> float:
    """Return the current Spot price of an instance in a zone; raises the same errors.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
    """
    now = datetime.now(UTC)
    history = aws.client("ec2").describe_spot_price_history(
        InstanceTypes=[instance_type],
        ProductDescriptions=["Linux/UNIX"],
        AvailabilityZone=zone,
        StartTime=now,
        EndTime=now,
    )["SpotPriceHistory"]
    newest = max(history, key=lambda each: each["Timestamp"])
    return float(newest["SpotPrice"])


def _products(
    aws: Aws, service: str, wanted: dict[str, str], usage_type: str = ""
) -> list[dict[str, Any]]:
    filters = [("TERM_MATCH", field, value) for field, value in wanted.items()]
    filters.append(("TERM_MATCH", "regionCode", aws.region))
    if usage_type:
        filters.append(("CONTAINS", "usagetype", usage_type))
    # The first page holds 100 products, many more than there can be.
    answer = aws.client("pricing", _API_REGION).get_products(
        ServiceCode=service,
        Filters=[{"Type": kind, "Field": field, "Value": value} for kind, field, value in filters],
    )
    return [json.loads(each) for each in answer["PriceList"]]


def _one_price(name: str, products: Iterable[dict[str, Any]]) -> float:
    found = {_first_tier(each) for each in products}
    if len(found) != 1:
        raise LookupError(f"{name}: the Price List has {len(found)} prices, not one")
    return found.pop()


def _first_tier(product: dict[str, Any]) -> float:
    """The price of the first unit; tiers come in any order."""
    tiers = [
        (float(tier.get("beginRange", 0)), float(tier["pricePerUnit"]["USD"]))
        for term in product["terms"]["OnDemand"].values()
        for tier in term["priceDimensions"].values()
    ]
    paid = [(begin, price) for begin, price in tiers if price > 0]
    if not paid:
        raise LookupError("the Price List has no price above 0")
    return min(paid)[1]
