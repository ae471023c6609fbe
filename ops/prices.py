"""Prices in US dollars: EC2's from the Price List API if it answers, else from a table."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration.settings import Settings
from ops.aws import Aws

# List prices in us-west-2, before tax and discounts, as printed on AWS' pricing pages.
TABLE_OF, TABLE_REGION = "2025-12", "us-west-2"
_HOURLY = {
    "m5.xlarge": 0.192,
    "m5.2xlarge": 0.384,
    "m5.4xlarge": 0.768,
    "m6i.xlarge": 0.192,
    "m6i.2xlarge": 0.384,
    "m6i.4xlarge": 0.768,
    "m7i.xlarge": 0.2016,
    "m7i.2xlarge": 0.4032,
    "m7i.4xlarge": 0.8064,
    "p3.2xlarge": 3.06,
    "p3.8xlarge": 12.24,
    "p3.16xlarge": 24.48,
    "p3dn.24xlarge": 31.212,
    "p4d.24xlarge": 21.9576,
    "p4de.24xlarge": 27.4471,
    "p5.48xlarge": 55.04,
    "g4dn.12xlarge": 3.912,
    "g5.12xlarge": 5.672,
    "g5.24xlarge": 8.144,
    "g5.48xlarge": 16.288,
    "g6.12xlarge": 4.6016,
    "g6.48xlarge": 13.3504,
}
EKS_HOUR, EKS_EXTENDED_HOUR = 0.10, 0.60
NAT_HOUR, NAT_GB = 0.045, 0.045
# Of each public IPv4 address, in use or not: https://aws.amazon.com/vpc/pricing/
ADDRESS_HOUR = 0.005
EBS_GB_MONTH, S3_GB_MONTH, LOGS_GB, KMS_MONTH = 0.08, 0.023, 0.50, 1.00
# PERSISTENT_2 SSD, by MB/s/TiB: https://aws.amazon.com/fsx/lustre/pricing/
FSX_GB_MONTH = {125: 0.145, 250: 0.210, 500: 0.340, 1000: 0.600}
HOURS_A_MONTH = 730
# The Price List API itself stands in few regions:
# https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
_API_REGION = "us-east-1"


@dataclass(frozen=True)
class Prices:
    """US dollars an hour for each instance type, and where they are from.

    `spot` is that of a GPU node, None where it is not asked for or not known; `notes` say what a
    reader must know of them.
    """

    hourly: dict[str, float]
    source: str
    spot: float | None = None
    notes: tuple[str, ...] = ()


def table(region: str = TABLE_REGION) -> Prices:
    """Return the project's own table, with a note where `region` is another."""
    notes: tuple[str, ...] = ()
    if region != TABLE_REGION:
        notes = (
            f"No price of {region} is at hand: all prices are those of {TABLE_REGION}, "
            f"and {region} may cost a good deal more.",
        )
    return Prices(dict(_HOURLY), f"the project's table of {TABLE_OF}, {TABLE_REGION}", notes=notes)


def prices(aws: Aws | None, settings: Settings) -> Prices:
    """Return the prices for `settings`, each from the best source that answers; `aws` if any."""
    known = _on_demand_prices(aws, settings) if aws else table(settings.region)
    if settings.gpu.purchase != "spot":
        return known
    spot = _spot(aws, settings) if aws else None
    if spot is None:
        note = "AWS tells no Spot price now: GPU nodes are counted On-Demand, Spot's ceiling."
        return replace(known, notes=(*known.notes, note))
    note = f"Spot in {settings.gpu_zone}: ${spot:g} now; it changes, and nodes may be taken away."
    return replace(known, spot=spot, notes=(*known.notes, note))


def _on_demand_prices(aws: Aws, settings: Settings) -> Prices:
    known = table(aws.region)
    try:
        kinds = (settings.gpu.instance_type, settings.core.instance_type)
        asked = {kind: _on_demand(aws, kind) for kind in kinds}
    except (ClientError, BotoCoreError, KeyError, ValueError, StopIteration):
        return known
    notes: tuple[str, ...] = ()
    if aws.region != TABLE_REGION:
        notes = (f"Prices of EC2 are those of {aws.region}, the others those of {TABLE_REGION}.",)
    source = f"the Price List API for EC2 in {aws.region}; {known.source} for the rest"
    return Prices({**known.hourly, **asked}, source, notes=notes)


def _on_demand(aws: Aws, instance_type: str) -> float:
    wanted = {
        "instanceType": instance_type,
        "regionCode": aws.region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    answer = aws.client("pricing", _API_REGION).get_products(
        ServiceCode="AmazonEC2",
        Filters=[
            {"Type": "TERM_MATCH", "Field": field, "Value": value}
            for field, value in wanted.items()
        ],
    )
    product: dict[str, Any] = json.loads(next(iter(answer["PriceList"])))
    term = next(iter(product["terms"]["OnDemand"].values()))
    dimension = next(iter(term["priceDimensions"].values()))
    price = float(dimension["pricePerUnit"]["USD"])
    if price <= 0:
        raise ValueError(f"{instance_type}: the Price List API says {price}")
    return price


def _spot(aws: Aws, settings: Settings) -> float | None:
    """The present Spot price of a GPU node in its zone, if AWS tells it.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
    """
    now = datetime.now(UTC)
    try:
        history = aws.client("ec2").describe_spot_price_history(
            InstanceTypes=[settings.gpu.instance_type],
            ProductDescriptions=["Linux/UNIX"],
            AvailabilityZone=settings.gpu_zone,
            StartTime=now,
            EndTime=now,
        )["SpotPriceHistory"]
        newest = max(history, key=lambda each: each["Timestamp"])
        return float(newest["SpotPrice"])
    except (ClientError, BotoCoreError, KeyError, ValueError):
        return None
