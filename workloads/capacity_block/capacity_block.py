"""A Capacity Block as EC2 tells of it: whether nodes can start in it, and until when.

`boto3` is the one library, which the image of the watch has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

# Seconds: a look must not be late for the next one.
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
_ACTIVE = "active"
# From these no block comes back; one that EC2 tells of in another word may still begin.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html
_ENDED = {"expired", "cancelling", "cancelled", "failed", "payment-failed", "unsupported"}


@dataclass(frozen=True)
class Block:
    """A Capacity Block: its state in EC2's word, start and end, None where EC2 tells none.

    `margin`: how long before the end the training must be gone.
    """

    name: str
    state: str
    start: datetime | None
    end: datetime | None
    margin: timedelta

    def is_to_come(self) -> bool:
        """Whether it is bought and has not begun."""
        return self.state != _ACTIVE and self.state not in _ENDED

    def over(self, now: datetime) -> str:
        """Say why no training may run in it at `now`; empty while one may, or it is to come."""
        if self.end is not None and now >= self.end - self.margin:
            return f"the Capacity Block {self.name} ends at {in_utc(self.end)}"
        if self.state in _ENDED:
            return f"the Capacity Block {self.name} is {self.state}"
        return ""


class CapacityBlock:
    """A Capacity Block by its reservation's id; `endpoint` is another than AWS' own, in tests."""

    def __init__(
        self, name: str, region: str, margin_minutes: float, endpoint: str | None = None
    ) -> None:
        self._name, self._margin = name, timedelta(minutes=margin_minutes)
        self._client: Any = boto3.client(
            "ec2", region_name=region, endpoint_url=endpoint, config=_CONFIG
        )

    def look(self) -> Block:
        """Ask EC2, each time anew: a block can be extended. Raises botocore's errors."""
        answer = self._client.describe_capacity_reservations(CapacityReservationIds=[self._name])
        rows: list[dict[str, Any]] = answer["CapacityReservations"]
        row = next(iter(rows), {})
        state = row.get("State", "not listed")
        return Block(self._name, state, row.get("StartDate"), row.get("EndDate"), self._margin)


def in_utc(moment: datetime) -> str:
    """Return a moment in words."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
