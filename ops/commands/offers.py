"""`bionemo preflight --offers`."""

from __future__ import annotations

from ops.aws import Deployment
from ops.commands.base import PASS, WARN, stop
from ops.cost.ways import block_hours
from ops.offers import NotSoldError, Quota, offers, quota
from ops.preflight.lustre import standing_zone
from ops.reasons import failure_reason
from ops.show.offers import show_offers
from ops.show.terminal import as_json, console


def list_offers(deployment: Deployment, hours: int | None, *, json: bool) -> int:
    """Print the Capacity Blocks to buy; return the exit status: 1 where there is none, or no room.

    `hours`: those of the block; without it, as the workload says that the training takes.
    """
    settings = deployment.settings
    if hours is None:
        needed = settings.workload.rates.training_hours(settings)
        if needed is None:
            stop(f"--offers: no rate of {settings.gpu.types[0]} is known: say how long, --hours")
        hours = block_hours(needed)
    try:
        found = offers(deployment.aws, settings, hours)
    except NotSoldError as error:
        stop(f"--offers: {error}")
    except Exception as error:  # a type that it does not sell so, a permission
        stop(f"--offers: {failure_reason(error)}")
    room = _quota(deployment)
    if json:
        as_json(
            {
                "hours": hours,
                "offers": [
                    {**vars(each), "start": each.start.isoformat(), "end": each.end.isoformat()}
                    for each in found
                ],
                "quota": room,
            }
        )
    else:
        show_offers(console(), settings, hours, found, room, _standing(deployment))
    full = isinstance(room, Quota) and room.there >= room.allowed
    return PASS if found and not full else WARN


def _standing(deployment: Deployment) -> str | None:
    """Return the zone that a standing deployment is bound to, or "" for none; None if not told."""
    try:
        return standing_zone(deployment)
    except Exception:  # the offers stand all the same, and what is said then holds for both
        return None


def _quota(deployment: Deployment) -> Quota | str | None:
    """Return the quota, or why it could not be told."""
    try:
        return quota(deployment)
    except Exception as error:
        return failure_reason(error)
