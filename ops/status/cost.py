"""What the deployment has cost so far: an estimate, because Cost Explorer lags by a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from ops.aws import Deployment, stacks
from ops.cost.bill import bill_of
from ops.cost.idle import measured
from ops.cost.prices import prices
from ops.cost.ways import until_now
from ops.reasons import reason
from ops.status.lines import Line

_PART = "Cost"


def so_far(deployment: Deployment) -> list[Line]:
    """Return the line with the dollars since the oldest stack was created; none without a stack.

    Includes only what is billed by time: the amount of downloads is unknown. GPU nodes count for
    the hours in which CloudWatch saw one, each as if all were running.
    """
    settings, now = deployment.settings, datetime.now(UTC)
    made = [each["CreationTime"] for each in stacks(deployment).values()]
    if not made:
        return []
    hours = (now - min(made)).total_seconds() / 3600
    try:
        seen = measured(deployment, int(hours // 24) + 1)
    except (ClientError, BotoCoreError) as error:
        # Not a fault of the deployment.
        return [Line(_PART, "so far", f"unknown: {reason(error)}")]
    way = until_now(settings, hours, min(hours, seen.hours) if seen else 0.0)
    known = prices(deployment.aws, settings)
    block = settings.gpu.purchase == "capacity-block"
    if block:  # paid up front
        known = replace(known, block=0.0)
    elif settings.gpu.types[0] not in known.hourly:
        return [Line(_PART, "so far", f"{settings.gpu.types[0]} has no hourly price")]
    total, at_once = (
        bill_of(settings, each, known, now.date()).total
        for each in (way, until_now(settings, 0.0, 0.0))
    )
    without = ", without the Capacity Block" if block else ""
    state = f"about ${total - at_once:,.2f} in {hours:,.1f} h, GPU nodes for {way.gpu_hours:g} h"
    return [Line(_PART, "so far", f"{state}{without}")]
