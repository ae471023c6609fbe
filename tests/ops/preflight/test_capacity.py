"""Preflight's checks of zones, instance types and the capacity reservation; --pin."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.jobs.workloads import WORKLOADS
from ops.preflight import capacity
from ops.preflight.capacity import pin
from ops.results import Result, Verdict
from tests.context import read_settings
from tests.ops.accounts import RESERVED, one
from tests.ops.reading import figures, in_order, proposed
from tests.simulated.accounts import good, simulated_deployment
from tests.simulated.answers import OWN, ZONES, zone
from tests.simulated.aws import error
from tests.simulated.capacity import offered_in, running
from tests.simulated.capacity import reserved as reservations

EAST = {"region": "us-east-1"}


def zones_in(result: Result) -> list[str]:
    """The zones that a result names, in its order."""
    return re.findall(r"\b[a-z]{2}-[a-z]+-\d[a-z]\b", result.said)


def test_a_zone_that_the_account_lacks_fails() -> None:
    zones = {"AvailabilityZones": [zone("us-west-2b"), zone("us-west-2c")]}
    result = one("Zones", {}, ec2__describe_availability_zones=zones)
    assert result.verdict is Verdict.FAIL
    assert zones_in(result) == ["us-west-2a", "us-west-2b", "us-west-2c"], (
        "it, and those that exist"
    )
    assert proposed(result)["network.availability_zones"] == "us-west-2b,us-west-2c"
    fits = one("Zones", proposed(result), ec2__describe_availability_zones=zones)
    assert fits.verdict is Verdict.PASS, "with what the remedy proposes"


def test_a_zone_that_is_impaired_or_local_is_not_offered() -> None:
    zones = {
        "AvailabilityZones": [
            {**zone("us-west-2a"), "State": "impaired"},
            {**zone("us-west-2c"), "ZoneType": "local-zone"},
            zone("us-west-2b"),
        ]
    }
    result = one("Zones", {}, ec2__describe_availability_zones=zones)
    assert result.verdict is Verdict.FAIL
    assert zones_in(result) == ["us-west-2a", "us-west-2b"]


def test_remedies_never_leave_the_gpu_nodes_zone_out() -> None:
    """Zones without gpu.availability_zone would be refused by the settings."""
    zones = {"AvailabilityZones": [zone("us-west-2b"), zone("us-west-2c")]}
    settings = {"gpu.availability_zone": "us-west-2a"}
    result = one("Zones", settings, ec2__describe_availability_zones=zones)
    chosen = read_settings({**settings, **proposed(result)})
    assert chosen.gpu_zone in chosen.zones
    assert chosen.gpu_zone == "us-west-2b"


def test_a_zone_that_eks_refuses_is_reported_by_its_id() -> None:
    """Zone names differ from account to account, ids do not."""
    zones = {
        "AvailabilityZones": [
            zone("us-east-1a", "use1-az3"),
            zone("us-east-1b", "use1-az1"),
            zone("us-east-1c", "use1-az2"),
        ]
    }
    result = one("Zones", EAST, ec2__describe_availability_zones=zones)
    assert result.verdict is Verdict.FAIL
    assert zones_in(result) == ["us-east-1a"]
    assert "use1-az3" in result.said
    assert proposed(result)["network.availability_zones"] == "us-east-1b,us-east-1c"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "; without EFA: the image of ESM-1nv"),
        ({"training.workload": "esm2"}, "; with EFA"),
        ({"training.workload": "esm2", "gpu.efa": "off"}, "; without EFA: gpu.efa is off"),
    ],
)
def test_it_is_reported_whether_the_training_uses_efa_and_why_not(
    changes: dict[str, str], words: str
) -> None:
    result = one("GPU instance type", changes)
    assert result.verdict is Verdict.PASS
    assert words in result.said


def test_a_zone_without_the_core_type_fails() -> None:
    offered = offered_in(*ZONES, others=("us-west-2a", "us-west-2c"))
    result = one("Core instance type", {}, ec2__describe_instance_type_offerings=offered)
    assert result.verdict is Verdict.FAIL
    assert zones_in(result) == ["us-west-2b", "us-west-2a", "us-west-2c"]
    assert "m5.xlarge" in result.said
    fits = one(
        "Core instance type", proposed(result), ec2__describe_instance_type_offerings=offered
    )
    assert fits.verdict is Verdict.PASS, "with what the remedy proposes"


def test_pin_writes_zones_that_the_stacks_then_use(tmp_path: Path) -> None:
    answers = good() | {"ec2.describe_instance_type_offerings": offered_in("us-west-2c")}
    (tmp_path / "cdk.context.json").write_text('{"kept:key": 1}')
    pins = pin(simulated_deployment({}, answers), tmp_path)
    assert pins["gpu.availability_zone"] == "us-west-2c"
    assert json.loads((tmp_path / "cdk.context.json").read_text())["kept:key"] == 1
    chosen = read_settings(pins)
    assert chosen.gpu_zone == "us-west-2c"
    assert len(chosen.zones) == 2
    (tmp_path / "cdk.json").write_text('{"context": {"kept:key": 1}}')
    assert settings_of(tmp_path, WORKLOADS).gpu_zone == "us-west-2c"


def test_pin_leaves_a_zone_that_is_right(tmp_path: Path) -> None:
    assert pin(simulated_deployment({}, good()), tmp_path) == {}
    assert not (tmp_path / "cdk.context.json").exists()


def test_a_zone_set_by_a_pin_is_reported_with_the_pins_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It overrides cdk.json, where an edit would then have no effect."""
    monkeypatch.setattr(capacity, "ROOT", tmp_path)
    assert "cdk.context.json" not in one("Zones", {}).said
    (tmp_path / "cdk.context.json").write_text('{"gpu.availability_zone": "us-west-2a"}')
    for name in ("Zones", "GPU instance type"):
        text = one(name, {}).said
        assert "cdk.context.json" in text
        assert "gpu.availability_zone=us-west-2a" in text


def reserved(**changes: Any) -> Any:
    row = {
        "CapacityReservationId": RESERVED["gpu.capacity_reservation_id"],
        "State": "active",
        "InstanceType": "p4d.24xlarge",
        "AvailabilityZone": "us-west-2a",
        "InstancePlatform": "Linux/UNIX",
        "Tenancy": "default",
        "AvailableInstanceCount": 2,
    }
    return reservations({**row, **changes})


SOON, LATER = (datetime.now(UTC) + timedelta(hours=hours) for hours in (2, 200))
UNKNOWN = error("DescribeCapacityReservations", "InvalidCapacityReservationId.NotFound")


@pytest.mark.parametrize(
    ("answer", "verdict", "named"),
    [
        (reserved(), Verdict.PASS, ["2", "p4d.24xlarge"]),
        (reserved(ReservationType="default"), Verdict.PASS, ["2", "p4d.24xlarge"]),
        (reserved(ReservationType="capacity-block"), Verdict.FAIL, ["capacity-block"]),
        (reserved(AvailableInstanceCount=1), Verdict.FAIL, ["1", "2"]),
        (reserved(State="expired"), Verdict.FAIL, ["expired", "active"]),
        (reserved(InstanceType="p3.2xlarge"), Verdict.FAIL, ["p3.2xlarge", "p4d.24xlarge"]),
        (reserved(AvailabilityZone="us-west-2b"), Verdict.FAIL, ["us-west-2b", "us-west-2a"]),
        (reserved(InstancePlatform="Windows"), Verdict.FAIL, ["Windows", "Linux/UNIX"]),
        (reserved(Tenancy="dedicated"), Verdict.FAIL, ["dedicated", "default"]),
        (reserved(EndDate=SOON), Verdict.FAIL, [f"{SOON:%Y-%m-%d}", f"{SOON:%H:%M}"]),
        (reserved(EndDate=LATER), Verdict.PASS, ["2", "p4d.24xlarge"]),
        (UNKNOWN, Verdict.FAIL, ["us-west-2"]),
    ],
)
def test_a_reservation_must_exist_fit_and_have_room(
    answer: Any, verdict: Verdict, named: list[str]
) -> None:
    """What is wrong is named, and then what is needed."""
    result = one("Capacity reservation", RESERVED, ec2__describe_capacity_reservations=answer)
    assert result.verdict is verdict
    assert RESERVED["gpu.capacity_reservation_id"] in result.said
    assert in_order(result.said, *named)


def test_a_capacity_block_has_a_remedy_of_its_own() -> None:
    block = reserved(ReservationType="capacity-block")
    result = one("Capacity reservation", RESERVED, ec2__describe_capacity_reservations=block)
    assert proposed(result) == {"gpu.purchase": "capacity-block"}
    read_settings(RESERVED | proposed(result))


def test_what_this_deployments_nodes_use_of_a_reservation_counts_as_room() -> None:
    reservation_id = RESERVED["gpu.capacity_reservation_id"]
    node = {"InstanceType": "p4d.24xlarge", "CapacityReservationId": reservation_id}
    answers = {
        "ec2__describe_capacity_reservations": reserved(AvailableInstanceCount=0),
        "ec2__describe_instances": running({**node, "Tags": [OWN]}, {**node, "Tags": [OWN]}),
    }
    result = one("Capacity reservation", RESERVED, **answers)
    assert result.verdict is Verdict.PASS
    assert figures(result.said) == [2, 2], "room, and how much of it is ours"
    answers["ec2__describe_instances"] = running(node, node)
    assert one("Capacity reservation", RESERVED, **answers).verdict is Verdict.FAIL
