"""`ec2:DescribeInstanceTypeOfferings`, which the emulator lacks: the tables' types, in each zone.

Retired types too, because existing deployments may still have them.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any
from xml.sax.saxutils import escape

from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from rehearsal.local_aws import private
from rehearsal.local_aws.calls.routing import Answer
from rehearsal.local_aws.in_process import client

_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_VALUE = re.compile(r"^Filter\.(\d+)\.Value\.\d+$")


def register() -> None:
    """Add the call to the emulator's EC2."""
    private.EC2_ACTIONS.value["DescribeInstanceTypeOfferings"] = _offerings


def _offerings(asked: Mapping[str, Any]) -> Answer:
    wanted = _filters(asked)
    zones = client("ec2").describe_availability_zones()["AvailabilityZones"]
    rows = [
        (name, zone["ZoneName"])
        for name in (*CORE_INSTANCE_TYPES, *GPU_INSTANCE_TYPES)
        for zone in zones
        if _matches(name, wanted.get("instance-type"))
        and _matches(zone["ZoneName"], wanted.get("location"))
    ]
    items = "".join(
        f"<item><instanceType>{escape(name)}</instanceType><location>{escape(zone)}</location>"
        "<locationType>availability-zone</locationType></item>"
        for name, zone in rows
    )
    return xml("DescribeInstanceTypeOfferings", "instanceTypeOfferingSet", items)


def xml(action: str, name: str, items: str) -> Answer:
    """Return EC2's answer to `action`: the set `name` of `items`."""
    body = f'<{action}Response xmlns="{_NAMESPACE}"><{name}>{items}</{name}></{action}Response>'
    return 200, {"Content-Type": "application/xml"}, body.encode()


def _filters(asked: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the values of each filter; parameters are `Filter.1.Name`, `Filter.1.Value.1`."""
    found: dict[str, list[str]] = {}
    for key, values in asked.items():
        value = _VALUE.match(key)
        if value:
            name = text(asked[f"Filter.{value[1]}.Name"])
            found.setdefault(name, []).append(text(values))
    return found


def text(value: Any) -> str:
    """Return a parameter's value, which may be a list of one."""
    return str(value[0] if isinstance(value, list) else value)


def _matches(name: str, patterns: list[str] | None) -> bool:
    return patterns is None or any(fnmatchcase(name, each) for each in patterns)
