"""`ec2:DescribeCapacityReservations`, which the emulator lacks: the settings' reservation.

Nothing can be bought here, so the reservation in a rehearsal's settings simply exists: with their
type and zone, for all their nodes, and if it is a Capacity Block, for a week.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeCapacityReservations.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from rehearsal.local_aws import private
from rehearsal.local_aws.calls import ec2
from rehearsal.local_aws.calls.routing import Answer
from rehearsal.local_aws.reserved import RESERVED

_DAYS = 7


def register() -> None:
    """Add the call to the emulator's EC2."""
    private.EC2_ACTIONS.value["DescribeCapacityReservations"] = _reservations


def _reservations(asked: Mapping[str, Any]) -> Answer:
    row: dict[str, Any] = json.loads(os.environ.get(RESERVED) or "{}")
    wanted = [
        ec2.text(value) for key, value in asked.items() if key.startswith("CapacityReservationId.")
    ]
    if row and wanted and row["capacityReservationId"] not in wanted:
        row = {}
    items = _item(row) if row else ""
    return ec2.xml("DescribeCapacityReservations", "capacityReservationSet", items)


def _item(row: Mapping[str, Any]) -> str:
    now = datetime.now(UTC)
    whole = {**row, "state": "active", "instancePlatform": "Linux/UNIX", "tenancy": "default"}
    if row["reservationType"] == "capacity-block":
        whole["startDate"] = _written(now)
        whole["endDate"] = _written(now + timedelta(days=_DAYS))
    fields = (f"<{name}>{escape(str(value))}</{name}>" for name, value in whole.items())
    return f"<item>{''.join(fields)}</item>"


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
