"""Prices of EC2 in US dollars: from the Price List API if it answers, else from the table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration.settings import Settings
from ops.aws import Aws
from ops.parallel import side_by_side
from ops.price_table import BLOCK_HOURLY, BLOCKS_OF, HOURLY, TABLE_OF, TABLE_REGION

# The Price List API itself stands in few regions:
# https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
_API_REGION = "us-east-1"
_RESERVED = (
    "A Capacity Reservation costs what its nodes would, from the day it is made, whether they run "
    "or not: the hours of the run alone are counted."
)
_PREPAID = (
    "A Capacity Block is paid for at once, to its end: the hours after the training are idle."
)


@dataclass(frozen=True)
class Prices:
    """US dollars an hour for each instance type, and where they are from.

    `spot` is that of a GPU node, None where it is not asked for or not known; `block` likewise that
    of one in a Capacity Block; `notes` say what a reader must know of them.
    """

    hourly: dict[str, float]
    source: str
    spot: float | None = None
    block: float | None = None
    notes: tuple[str, ...] = ()


def table(region: str = TABLE_REGION) -> Prices:
    """Return the project's own table, with a note where `region` is another."""
    notes: tuple[str, ...] = ()
    if region != TABLE_REGION:
        notes = (
            f"No price of {region} is at hand: all prices are those of {TABLE_REGION}, "
            f"and {region} may cost a good deal more.",
        )
    return Prices(dict(HOURLY), f"the project's table of {TABLE_OF}, {TABLE_REGION}", notes=notes)


def prices(aws: Aws | None, settings: Settings) -> Prices:
    """Return the prices for `settings`, each from the best source that answers; `aws` if any."""
    known = _on_demand_prices(aws, settings) if aws else table(settings.region)
    if settings.gpu.purchase == "capacity-reservation":
        return replace(known, notes=(*known.notes, _RESERVED))
    if settings.gpu.purchase != "spot":
        return known
    found = _spot(aws, settings) if aws else {}
    if not found:
        note = "AWS tells no Spot price now: GPU nodes are counted On-Demand, Spot's ceiling."
        return replace(known, notes=(*known.notes, note))
    each = ", ".join(f"${price:g} ({kind})" for kind, price in found.items())
    note = f"Spot in {settings.gpu_zone}: {each} now; it changes, and nodes may be taken away."
    # EKS chooses among the types by price and capacity: what is counted is the most.
    return replace(known, spot=max(found.values()), notes=(*known.notes, note))


def with_block(known: Prices, settings: Settings, hourly: float | None) -> Prices:
    """Return `known` with the price of a node in a Capacity Block; `hourly` as it is sold now."""
    kind = settings.gpu.types[0]
    if hourly is not None:
        note = f"Capacity Blocks of {kind} are sold from ${hourly:,.2f} an hour and node on."
        return replace(known, block=hourly, notes=(*known.notes, note, _PREPAID))
    if kind not in BLOCK_HOURLY:
        note = "AWS tells no offer of a Capacity Block now: GPU nodes are counted On-Demand."
        return replace(known, notes=(*known.notes, note, _PREPAID))
    note = (
        f"AWS tells no offer of a Capacity Block now: it is counted at ${BLOCK_HOURLY[kind]:g}, "
        f"AWS' list of {BLOCKS_OF}."
    )
    return replace(known, block=BLOCK_HOURLY[kind], notes=(*known.notes, note, _PREPAID))


def _on_demand_prices(aws: Aws, settings: Settings) -> Prices:
    known = table(aws.region)
    try:
        kinds = (*settings.gpu.types, settings.core.instance_type)
        asked = {kind: _on_demand(aws, kind) for kind in kinds}
    except (ClientError, BotoCoreError, KeyError, ValueError, StopIteration):
        return known
    notes: tuple[str, ...] = ()
    if aws.region != TABLE_REGION:
        notes = (f"Prices of EC2 are those of {aws.region}, the others those of {TABLE_REGION}.",)
    source = f"the Price List API for EC2 in {aws.region}; {known.source} for the rest"
    return Prices({**known.hourly, **asked}, source, notes=notes)


def hourly_prices(aws: Aws, kinds: Sequence[str], deadline: float) -> Prices:
    """Return On-Demand prices of `kinds`: AWS' own, as far as they come within `deadline` seconds.

    A type that the table does not know and AWS does not tell is not in them.
    """
    looked = side_by_side({kind: partial(_on_demand, aws, kind) for kind in kinds}, deadline)
    told = {
        kind: each.result() for kind, each in looked.items() if each.done() and not each.exception()
    }
    known = table(aws.region)
    if not told:
        return known
    rest = "" if len(told) == len(kinds) else f"; {known.source} for the rest"
    return Prices({**known.hourly, **told}, f"the Price List API for {aws.region}{rest}")


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


def _spot(aws: Aws, settings: Settings) -> dict[str, float]:
    """The present Spot prices of the GPU nodes' types in their zone, as far as AWS tells them.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
    """
    now = datetime.now(UTC)
    try:
        history = aws.client("ec2").describe_spot_price_history(
            InstanceTypes=list(settings.gpu.types),
            ProductDescriptions=["Linux/UNIX"],
            AvailabilityZone=settings.gpu_zone,
            StartTime=now,
            EndTime=now,
        )["SpotPriceHistory"]
        history.sort(key=lambda each: each["Timestamp"])
        told = {each["InstanceType"]: float(each["SpotPrice"]) for each in history}
        return {kind: told[kind] for kind in settings.gpu.types if kind in told}
    except (ClientError, BotoCoreError, KeyError, ValueError):
        return {}
