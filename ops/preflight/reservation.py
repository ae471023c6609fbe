"""The On-Demand Capacity Reservation, or the group of them, that the GPU nodes use."""

from __future__ import annotations

from datetime import UTC, datetime

from bionemo_eks.configuration.settings import Settings
from ops import reservations
from ops.aws import Deployment
from ops.results import Result, failed, options, passed

_NAME = "Capacity reservation"
# A reservation that ends within this many hours is too short for a training.
_SOON = 24
_REMEDY = "Change the reservation, or gpu.* in cdk.json"


def reservation(deployment: Deployment) -> Result:
    """Whether the reservation exists, is active, fits type and zone, and has room for the nodes."""
    gpu, found = deployment.settings.gpu, reservations.own(deployment)
    wanted = gpu.capacity_reservation_id or gpu.capacity_reservation_group
    if not found:
        what = "is not" if gpu.capacity_reservation_id else "has no Capacity Reservation"
        return failed(
            _NAME,
            f"{wanted} {what} in {deployment.settings.region} of this account",
            "Check gpu.capacity_reservation_id, gpu.capacity_reservation_group and region",
        )
    # Nodes can use a Capacity Block only with a market type of its own:
    # https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html
    if gpu.capacity_reservation_id and reservations.kind_of(found[0]) == reservations.BLOCK:
        return failed(
            _NAME,
            f"{wanted} is a {reservations.BLOCK}, not an On-Demand Capacity Reservation",
            "Buy the GPU nodes accordingly:",
            options(f"-c gpu.purchase={reservations.BLOCK}"),
        )
    fitting, wrong = _of_use(deployment, found)
    # Our own nodes already use part of it; after an update, they or their successors will.
    free = sum(each.get("AvailableInstanceCount", 0) for each in fitting)
    own = reservations.own_nodes(deployment, {each["CapacityReservationId"] for each in fitting})
    if fitting and free + own < deployment.settings.gpu.nodes:
        wrong.append(f"it has room for {free + own} instances, not {deployment.settings.gpu.nodes}")
    elif fitting:
        wrong = []
    if wrong:
        return failed(_NAME, f"{wanted}: {'; '.join(wrong)}", _REMEDY)
    taken = f", {own} of them used by this deployment" if own else ""
    return passed(_NAME, f"{wanted} has room for {free + own} {gpu.instance_type}{taken}")


def _of_use(
    deployment: Deployment, found: list[reservations.Row]
) -> tuple[list[reservations.Row], list[str]]:
    """Return the reservations that nodes can start in, and what is wrong with the others."""
    fitting, wrong = [], list[str]()
    for each in found:
        of_it = _unfit(each, deployment.settings) + _ends(each)
        named = f"{each['CapacityReservationId']}: " if len(found) > 1 else ""
        wrong += [f"{named}{text}" for text in of_it]
        if not of_it:
            fitting.append(each)
    return fitting, wrong


def _unfit(row: reservations.Row, settings: Settings) -> list[str]:
    """How a reservation differs from what the GPU nodes need."""
    needed = (
        ("its state", "State", ("active",)),
        ("its type", "InstanceType", settings.gpu.types),
        ("its zone", "AvailabilityZone", (settings.gpu_zone,)),
        # Nodes are Linux instances on shared hardware.
        ("its platform", "InstancePlatform", ("Linux/UNIX",)),
        ("its tenancy", "Tenancy", ("default",)),
    )
    return [
        f"{what} is {row.get(key)}, not {' or '.join(allowed)}"
        for what, key, allowed in needed
        if row.get(key) not in allowed
    ]


def _ends(row: reservations.Row) -> list[str]:
    end = row.get("EndDate")
    if not isinstance(end, datetime):
        return []
    hours = (end - datetime.now(UTC)).total_seconds() / 3600
    return [f"it ends {end:%Y-%m-%d %H:%M} UTC"] if hours < _SOON else []
