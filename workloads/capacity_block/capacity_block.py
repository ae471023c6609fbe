"""A Capacity Block as EC2 reports it: whether nodes can start in it, and until when.

Needs only `boto3`, which the watch's image has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

# Seconds: a request must end before the next one is due.
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
_ACTIVE = "active"
# A block in one of these states is over; in any other it may still begin.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html
_ENDED = {"expired", "cancelling", "cancelled", "failed", "payment-failed", "unsupported"}


@dataclass(frozen=True)
class Block:
    """A Capacity Block: its state in EC2's words, start and end, None if EC2 reports none.

    `margin`: how long before the end the training must be gone.
    """

    name: str
    state: str
    start: datetime | None
    end: datetime | None
    margin: timedelta

    def is_to_come(self) -> bool:
        """Whether it may still begin."""
        return self.state != _ACTIVE and self.state not in _ENDED

    def over(self, now: datetime) -> str:
        """Say why no training may run in it at `now`; empty if one may, or if it has not begun."""
        if self.end is not None and now >= self.end - self.margin:
            return f"the Capacity Block {self.name} ends at {in_utc(self.end)}"
        if self.state in _ENDED:
            return f"the Capacity Block {self.name} is {self.state}"
        return ""


class CapacityBlock:
    """A Capacity Block by its reservation's id; `endpoint` replaces AWS's own in tests."""

    def __init__(
        self, name: str, region: str, margin_minutes: float, endpoint: str | None = None
    ) -> None:
        self._name, self._margin = name, timedelta(minutes=margin_minutes)
        self._client: Any = boto3.client(
            "ec2", region_name=region, endpoint_url=endpoint, config=_CONFIG
        )

    def look(self) -> Block:
        """Ask EC2; a block can be extended, so nothing is cached. Raises botocore's errors."""
        answer = self._client.describe_capacity_reservations(CapacityReservationIds=[self._name])
        rows: list[dict[str, Any]] = answer["CapacityReservations"]
        row = next(iter(rows), {})
        state = row.get("State", "not listed")
        return Block(self._name, state, row.get("StartDate"), row.get("EndDate"), self._margin)


def in_utc(moment: datetime) -> str:
    """Return a time as text, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
