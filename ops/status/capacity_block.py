"""The Capacity Block that the GPU nodes are bought in: its state and its end."""

from __future__ import annotations

from datetime import UTC, datetime

from ops import reservations
from ops.aws import Deployment
from ops.reservations import in_utc
from ops.status.lines import Line

_PART = "Capacity Block"


def capacity_block(deployment: Deployment) -> list[Line]:
    """Return the block's line; nothing if the nodes are bought differently."""
    gpu = deployment.settings.gpu
    if gpu.purchase != reservations.BLOCK:
        return []
    name, found = gpu.capacity_reservation_id, reservations.own(deployment)
    if not found:
        return [Line(_PART, name, "does not exist", False)]
    row = found[0]
    state, begins = str(row.get("State")), row.get("StartDate")
    parts = [state]
    if state != "active" and isinstance(begins, datetime):
        parts.append(f"begins {in_utc(begins)}")
    until = reservations.suspended_at(row)
    if until is None:
        return [Line(_PART, name, ", ".join(parts), unsettled=True)]
    parts.append(f"ends {in_utc(row['EndDate'])}")
    if datetime.now(UTC) >= until:
        parts.append(
            f"the training has been suspended since {in_utc(until)}; it can resume in another "
            "block: ./bionemo preflight --offers"
        )
        return [Line(_PART, name, "; ".join(parts), False)]
    parts.append(f"the training is suspended at {in_utc(until)}")
    return [Line(_PART, name, "; ".join(parts), state == "active" or None, state != "active")]
