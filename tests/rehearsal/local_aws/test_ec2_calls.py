"""EC2's offerings, which the emulator lacks."""

from __future__ import annotations

import pytest

from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from rehearsal.local_aws.calls import ec2
from rehearsal.local_aws.in_process import client


@pytest.fixture(autouse=True)
def _registered() -> None:
    ec2.register()


def offered(*patterns: str) -> dict[str, set[str]]:
    """The zones of each offered type."""
    asked = {"Filters": [{"Name": "instance-type", "Values": list(patterns)}]} if patterns else {}
    answer = client("ec2").describe_instance_type_offerings(
        LocationType="availability-zone", **asked
    )
    found: dict[str, set[str]] = {}
    for each in answer["InstanceTypeOfferings"]:
        assert each["LocationType"] == "availability-zone"
        found.setdefault(each["InstanceType"], set()).add(each["Location"])
    return found


def test_every_type_of_the_tables_is_offered_in_every_zone() -> None:
    zones = {
        each["ZoneName"]
        for each in client("ec2").describe_availability_zones()["AvailabilityZones"]
    }
    assert offered() == dict.fromkeys([*CORE_INSTANCE_TYPES, *GPU_INSTANCE_TYPES], zones)
    assert "p3.16xlarge" in offered()


def test_a_filter_limits_the_types() -> None:
    assert set(offered("p4d.24xlarge", "g6.xlarge")) == {"p4d.24xlarge", "g6.xlarge"}
    assert set(offered("p4*")) == {"p4d.24xlarge", "p4de.24xlarge"}
    assert offered("p9.large") == {}
