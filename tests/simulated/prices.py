"""The Price List API, with us-west-2's prices in every region."""

from __future__ import annotations

import json
from typing import Any

from ops.price_table import HOURLY

# The usage types' prices in US dollars, as in us-west-2's price files.
LISTED = {
    ("AmazonEKS", "AmazonEKS-Hours:perCluster"): 0.10,
    ("AmazonEKS", "AmazonEKS-Hours:extendedSupport"): 0.50,
    ("AmazonEC2", "NatGateway-Hours"): 0.045,
    ("AmazonEC2", "NatGateway-Bytes"): 0.045,
    ("AmazonVPC", "PublicIPv4:InUseAddress"): 0.005,
    ("AmazonEC2", "EBS:VolumeUsage.gp3"): 0.08,
    ("AmazonS3", "TimedStorage-ByteHrs"): 0.023,
    ("AmazonCloudWatch", "CW:MetricMonitorUsage"): 0.30,
    ("AmazonCloudWatch", "CW:AlarmMonitorUsage"): 0.10,
    ("AmazonCloudWatch", "DataProcessing-Bytes"): 0.50,
    ("awskms", "KMS-Keys"): 1.00,
    ("AmazonFSx", "Storage.SSD.125"): 0.145,
    ("AmazonFSx", "Storage.SSD.250"): 0.210,
    ("AmazonFSx", "Storage.SSD.500"): 0.340,
    ("AmazonFSx", "Storage.SSD.1000"): 0.600,
}


def product(price: float, usage_type: str = "", **tiers: float) -> str:
    """A product of the Price List; `tiers` (`from_10000=0.1`) precede the first one."""
    begins = {name.removeprefix("from_"): each for name, each in tiers.items()} | {"0": price}
    dimensions = {
        begin: {"beginRange": begin, "pricePerUnit": {"USD": f"{each:.10f}"}}
        for begin, each in begins.items()
    }
    terms = {"OnDemand": {"a": {"priceDimensions": dimensions}}}
    return json.dumps({"product": {"attributes": {"usagetype": usage_type}}, "terms": terms})


def priced(ServiceCode: str, Filters: list[dict[str, str]]) -> dict[str, Any]:
    """The Price List API, with us-west-2's prices in every region."""
    wanted = {each["Field"]: each["Value"] for each in Filters}
    if "instanceType" in wanted:
        price = HOURLY.get(wanted["instanceType"])
        return {"PriceList": [] if price is None else [product(price)]}
    usage_type = wanted["usagetype"]
    price = LISTED[ServiceCode, usage_type]
    # Names that contain this one, but are different.
    other = product(price / 2, f"USW2-Regional-{usage_type}")
    return {"PriceList": [other, product(price, f"USW2-{usage_type}", from_10000=price / 3)]}
