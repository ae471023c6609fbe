"""The On-Demand Capacity Reservation that the GPU nodes are bought from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bionemo_eks.configuration.settings import Settings
from ops.aws import Deployment, instances, is_own
from ops.reasons import code_of
from ops.results import Result, failed, options, passed

_NAME = "Capacity reservation"
# Hours within which a reservation that ends is of no use for a training.
_SOON = 24
_REMEDY = "Change the reservation, or gpu.* in cdk.json"


def reservation(deployment: Deployment) -> Result:
    """Whether the reservation is there, active, of the type and zone, with room for the nodes."""
    settings, wanted = deployment.settings, deployment.settings.gpu.capacity_reservation_id
    row = _described(deployment, wanted)
    if row is None:
        return failed(
            _NAME,
            f"{wanted} is not in {settings.region} of this account",
            "Check gpu.capacity_reservation_id and region",
        )
    # A node gets into a Capacity Block only by market type `capacity-block`, for which the node
    # group's launch template does not ask:
    # https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html
    if row.get("ReservationType", "default") != "default":
        return failed(
            _NAME,
            f"{wanted} is a {row['ReservationType']}, not an On-Demand Capacity Reservation, and "
            "the GPU nodes cannot start in it",
            "Set gpu.capacity_reservation_id to an On-Demand Capacity Reservation, or do without:",
            options("-c gpu.purchase=on-demand -c gpu.capacity_reservation_id="),
        )
    wrong = _unfit(row, settings)
    # Our own nodes already fill a part of it; after an update they or their successors will.
    free, own = row.get("AvailableInstanceCount", 0), _own_nodes_in(deployment, wanted)
    if free + own < settings.gpu.nodes:
        wrong.append(f"it has room for {free + own} instances, not {settings.gpu.nodes}")
    wrong += _ends(row)
    if wrong:
        return failed(_NAME, f"{wanted}: {'; '.join(wrong)}", _REMEDY)
    taken = f", {own} of it by this deployment" if own else ""
    return passed(_NAME, f"{wanted} has room for {free + own} {settings.gpu.instance_type}{taken}")


def _unfit(row: dict[str, Any], settings: Settings) -> list[str]:
    """What of a reservation is not as the GPU nodes need it."""
    needed = (
        ("its state", "State", "active"),
        ("its type", "InstanceType", settings.gpu.instance_type),
        ("its zone", "AvailabilityZone", settings.gpu_zone),
        # Nodes are Linux instances on shared hardware.
        ("its platform", "InstancePlatform", "Linux/UNIX"),
        ("its tenancy", "Tenancy", "default"),
    )
    return [
        f"{what} is {row.get(key)}, not {value}"
        for what, key, value in needed
        if row.get(key) != value
    ]


def _described(deployment: Deployment, wanted: str) -> dict[str, Any] | None:
    try:
        listed = deployment.aws.pages(
            "ec2",
            "describe_capacity_reservations",
            "CapacityReservations",
            CapacityReservationIds=[wanted],
        )
    except Exception as error:
        if code_of(error).startswith("InvalidCapacityReservationId"):
            return None
        raise
    return next((each for each in listed if each["CapacityReservationId"] == wanted), None)


def _own_nodes_in(deployment: Deployment, wanted: str) -> int:
    return sum(
        each.get("CapacityReservationId") == wanted and is_own(deployment, each.get("Tags"))
        for each in instances(deployment)
    )


def _ends(row: dict[str, Any]) -> list[str]:
    end = row.get("EndDate")
    if not isinstance(end, datetime):
        return []
    hours = (end - datetime.now(UTC)).total_seconds() / 3600
    return [f"it ends {end:%Y-%m-%d %H:%M} UTC"] if hours < _SOON else []
