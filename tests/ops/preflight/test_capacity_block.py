"""Preflight's check of a Capacity Block, and its remedies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.preflight import capacity_block, gpu_quota, reservation
from ops.results import Result, Verdict
from tests.context import read_settings
from tests.ops.reading import commands, in_order, proposed
from tests.simulated.accounts import good, simulated_deployment
from tests.simulated.answers import OWN
from tests.simulated.aws import Answers, error
from tests.simulated.capacity import BLOCK, block, grouped, reserved, running

NOW = datetime.now(UTC)
UNKNOWN = error("DescribeCapacityReservations", "InvalidCapacityReservationId.NotFound")


def looked(answer: Any, settings: dict[str, str] | None = None, **more: Any) -> Result:
    answers: Answers = good() | {"ec2.describe_capacity_reservations": answer}
    answers |= {key.replace("__", "."): value for key, value in more.items()}
    deployment = simulated_deployment(BLOCK | (settings or {}), answers)
    return capacity_block.capacity_block(deployment)


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


def test_an_active_block_that_is_long_enough_passes_and_its_end_is_reported() -> None:
    result = looked(reserved(block(EndDate=hours(96))))
    assert result.verdict is Verdict.PASS
    suspended = hours(96) - timedelta(minutes=50)
    ends = (f"{moment:%Y-%m-%d %H:%M}" for moment in (hours(96), suspended))
    assert in_order(result.said, BLOCK["gpu.capacity_reservation_id"], *ends)


def test_a_block_that_has_not_begun_passes_and_its_beginning_is_reported() -> None:
    begins = hours(100)
    to_come = block(
        State="scheduled", StartDate=begins, EndDate=hours(200), AvailableInstanceCount=0
    )
    result = looked(reserved(to_come))
    assert result.verdict is Verdict.PASS
    assert f"{begins:%Y-%m-%d %H:%M}" in result.said


def test_a_block_that_is_shorter_than_the_training_is_a_warning() -> None:
    result = looked(reserved(block(EndDate=hours(24))))
    assert result.verdict is Verdict.WARN
    assert "a block that is bought later" in result.said


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (reserved(block(EndDate=hours(1))), ["too little time"]),
        (reserved(block(State="expired", EndDate=hours(-2))), ["expired"]),
        (reserved(block(State="payment-failed")), ["payment-failed"]),
        (reserved(block(InstanceType="trn1.32xlarge")), ["trn1.32xlarge", "p4d.24xlarge"]),
        (reserved(block(AvailableInstanceCount=0)), ["0", "2"]),
        (UNKNOWN, ["us-west-2"]),
    ],
)
def test_an_unusable_block_leads_to_those_on_offer(answer: Any, named: list[str]) -> None:
    result = looked(answer)
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, BLOCK["gpu.capacity_reservation_id"], *named)
    assert commands(result) == ["./bionemo preflight --offers"]


@pytest.mark.parametrize(
    ("changes", "proposal"),
    [
        ({"InstanceType": "p5.48xlarge"}, {"gpu.instance_type": "p5.48xlarge"}),
        ({"AvailableInstanceCount": 1}, {"gpu.nodes": "1"}),
        ({"ReservationType": "default"}, {"gpu.purchase": "capacity-reservation"}),
        (
            {"AvailabilityZone": "us-west-2c"},
            {
                "gpu.availability_zone": "us-west-2c",
                "network.availability_zones": "us-west-2c,us-west-2a",
            },
        ),
    ],
)
def test_what_a_setting_fixes_is_reported_with_the_setting(
    changes: dict[str, Any], proposal: dict[str, str]
) -> None:
    row = block(EndDate=hours(200), **changes)
    result = looked(reserved(row))
    assert result.verdict is Verdict.FAIL
    assert proposed(result) == proposal
    settings = BLOCK | proposal
    if settings["gpu.purchase"] == "capacity-block":
        assert looked(reserved(row), proposal).verdict is Verdict.PASS
    else:
        read_settings(settings)


def test_what_this_deployments_nodes_use_of_a_block_counts_as_room() -> None:
    node = {
        "InstanceType": "p4d.24xlarge",
        "CapacityReservationId": BLOCK["gpu.capacity_reservation_id"],
    }
    full = reserved(block(AvailableInstanceCount=0, EndDate=hours(96)))
    ours = running({**node, "Tags": [OWN]}, {**node, "Tags": [OWN]})
    result = looked(full, ec2__describe_instances=ours)
    assert result.verdict is Verdict.PASS
    assert "2 nodes run in it: EKS changes them" in result.said


def test_a_block_needs_no_quota_of_vcpus() -> None:
    deployment = simulated_deployment(BLOCK, good())
    result = gpu_quota.gpu_vcpus(deployment)
    assert result.verdict is Verdict.PASS
    assert "L-2C8F52B3" in result.said


# Reservations of a resource group.
GROUP = {
    "gpu.purchase": "capacity-reservation",
    "gpu.capacity_reservation_group": "arn:aws:resource-groups:us-west-2:111122223333:group/train",
}
FIRST, SECOND = "cr-00000000000000001", "cr-00000000000000002"


def in_group(*rows: dict[str, Any]) -> Result:
    answers = good() | {
        "ec2.describe_capacity_reservations": reserved(*rows),
        "resource-groups.list_group_resources": grouped(
            GROUP["gpu.capacity_reservation_group"],
            *(each["CapacityReservationId"] for each in rows),
        ),
    }
    return reservation.reservation(simulated_deployment(GROUP, answers))


def on_demand(name: str, **changes: Any) -> dict[str, Any]:
    return block(CapacityReservationId=name, ReservationType="default", **changes)


def test_the_reservations_of_a_group_have_room_together() -> None:
    one = [on_demand(each, AvailableInstanceCount=1) for each in (FIRST, SECOND)]
    assert in_group(*one).verdict is Verdict.PASS
    short = in_group(one[0])
    assert short.verdict is Verdict.FAIL
    assert "room for 1" in short.said


def test_a_reservation_of_a_group_that_does_not_fit_gives_no_room() -> None:
    elsewhere = on_demand(SECOND, AvailabilityZone="us-west-2b")
    assert in_group(on_demand(FIRST), elsewhere).verdict is Verdict.PASS
    result = in_group(elsewhere)
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, "us-west-2b", "us-west-2a")


def test_a_group_without_reservations_fails() -> None:
    result = in_group()
    assert result.verdict is Verdict.FAIL
    assert GROUP["gpu.capacity_reservation_group"] in result.said
