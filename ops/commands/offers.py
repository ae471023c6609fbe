"""`bionemo preflight --offers`."""

from __future__ import annotations

from ops.aws import Deployment
from ops.commands.base import PASS, WARN, stop
from ops.cost.ways import block_hours
from ops.offers import NotSoldError, Quota, offers, quota
from ops.preflight.lustre import file_system_zone
from ops.reasons import failure_reason
from ops.show.offers import show_offers
from ops.show.terminal import as_json, console


def list_offers(deployment: Deployment, hours: int | None, *, json: bool) -> int:
    """Print the Capacity Blocks on offer; return the exit status: 1 without an offer or quota.

    `hours`: the block's length; by default, enough for the training as the workload estimates it.
    """
    settings = deployment.settings
    if hours is None:
        needed = settings.workload.rates.training_hours(settings)
        if needed is None:
            stop(f"--offers: no rate is known for {settings.gpu.types[0]}; set --hours")
        hours = block_hours(needed)
    try:
        found = offers(deployment.aws, settings, hours)
    except NotSoldError as error:
        stop(f"--offers: {error}")
    except Exception as error:  # a type not sold in blocks, a permission
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
        show_offers(console(), settings, hours, found, room, _current_zone(deployment))
    full = isinstance(room, Quota) and room.there >= room.allowed
    return PASS if found and not full else WARN


def _current_zone(deployment: Deployment) -> str | None:
    """Return the zone that an existing deployment is bound to, "" for none; None if unknown."""
    try:
        return file_system_zone(deployment)
    except Exception:  # the offers are shown anyway, with a text that covers both cases
        return None


def _quota(deployment: Deployment) -> Quota | str | None:
    """Return the quota, or why it is unknown."""
    try:
        return quota(deployment)
    except Exception as error:
        return failure_reason(error)
