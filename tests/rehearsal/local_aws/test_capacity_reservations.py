"""The reservation in a rehearsal's settings exists, as EC2 would describe it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal.local_aws.calls import capacity_reservations
from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.reserved import RESERVED, reserved
from tests.context import read_settings

NAME = "cr-0123456789abcdef0"


def described(monkeypatch: pytest.MonkeyPatch, purchase: str, name: str) -> list[Any]:
    named = {"gpu.purchase": purchase, "gpu.capacity_reservation_id": NAME}
    settings = read_settings({} if purchase == "on-demand" else named)
    monkeypatch.setenv(RESERVED, reserved(settings))
    capacity_reservations.register()
    answer = client("ec2").describe_capacity_reservations(CapacityReservationIds=[name])
    return list(answer["CapacityReservations"])


def test_a_block_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = described(monkeypatch, "capacity-block", NAME)
    assert (block["State"], block["ReservationType"]) == ("active", "capacity-block")
    assert (block["InstanceType"], block["AvailableInstanceCount"]) == ("p4d.24xlarge", 2)
    assert block["StartDate"] <= datetime.now(UTC) < block["EndDate"]


def test_a_reservation_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = described(monkeypatch, "capacity-reservation", NAME)
    assert row["ReservationType"] == "default"
    assert "EndDate" not in row


@pytest.mark.parametrize(
    ("purchase", "name"), [("on-demand", NAME), ("capacity-block", "cr-00000000000000001")]
)
def test_other_reservations_do_not_exist(
    monkeypatch: pytest.MonkeyPatch, purchase: str, name: str
) -> None:
    assert described(monkeypatch, purchase, name) == []
