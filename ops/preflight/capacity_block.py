"""The Capacity Block that the GPU nodes are bought in: does it fit, and is it long enough?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from ops import reservations
from ops.aws import Deployment
from ops.preflight.capacity import choose, suggested
from ops.reservations import in_utc
from ops.results import Result, Step, command, failed, options, passed, warned

_NAME = "Capacity Block"
# Hours that a block must leave for the training: to boot nodes, pull the image, and save once.
_LEAST = 1.0
_TO_COME = ("payment-pending", "pending", "scheduled", "assessing", "delayed")


def capacity_block(deployment: Deployment) -> Result:
    """Whether the block exists, fits the nodes, and leaves enough time for the training."""
    settings, found = deployment.settings, reservations.own(deployment)
    wanted = settings.gpu.capacity_reservation_id
    if not found:
        return failed(
            _NAME,
            f"{wanted} is not in {settings.region} of this account",
            *_another_block(),
        )
    row = found[0]
    if reservations.kind_of(row) != reservations.BLOCK:
        return failed(
            _NAME,
            f"{wanted} is an On-Demand Capacity Reservation, not a Capacity Block",
            "Buy the GPU nodes accordingly:",
            options("-c gpu.purchase=capacity-reservation"),
        )
    for look in (_of_a_type, _in_a_zone, _in_a_state, _with_room):
        wrong = look(deployment, row)
        if wrong:
            return wrong
    return _long_enough(deployment, row)


def _another_block() -> tuple[Step | str, ...]:
    return (
        "List the offers, buy one, and set its ID as gpu.capacity_reservation_id:",
        command("./bionemo preflight --offers"),
    )


def _of_a_type(deployment: Deployment, row: reservations.Row) -> Result | None:
    settings, kind = deployment.settings, str(row.get("InstanceType"))
    if kind == settings.gpu.instance_type:
        return None
    said = f"{_id(row)}: its type is {kind}, not {settings.gpu.instance_type}"
    known = GPU_INSTANCE_TYPES.get(kind)
    if known is None or not settings.workload.gpus.met_by(known):
        return failed(_NAME, f"{said}; {settings.workload.title} cannot use it", *_another_block())
    return failed(
        _NAME, said, "Train on the block's type:", options(f"-c gpu.instance_type={kind}")
    )


def _in_a_zone(deployment: Deployment, row: reservations.Row) -> Result | None:
    zone, wanted = str(row.get("AvailabilityZone")), deployment.settings.gpu_zone
    if zone == wanted:
        return None
    return failed(
        _NAME,
        f"{_id(row)}: it is in {zone}, but the settings put the GPU nodes in {wanted}",
        *choose(suggested(deployment, [zone])),
    )


def _in_a_state(deployment: Deployment, row: reservations.Row) -> Result | None:
    state = str(row.get("State"))
    if state == "active" or state in _TO_COME:
        return None
    return failed(_NAME, f"{_id(row)} is {state}", *_another_block())


def _with_room(deployment: Deployment, row: reservations.Row) -> Result | None:
    """Whether the block has room; one that has not started has no instances available yet."""
    nodes, own = deployment.settings.gpu.nodes, reservations.own_nodes(deployment, {_id(row)})
    room = row.get("TotalInstanceCount", 0)
    if row.get("State") == "active":
        room = row.get("AvailableInstanceCount", 0) + own
    if room >= nodes:
        return None
    said = f"{_id(row)}: it has room for {room} instances, not {nodes}"
    if not room:
        return failed(_NAME, said, *_another_block())
    return failed(_NAME, said, "Train on fewer nodes:", options(f"-c gpu.nodes={room}"))


def _long_enough(deployment: Deployment, row: reservations.Row) -> Result:
    until = reservations.suspended_at(row)
    if until is None:
        return warned(_NAME, f"{_id(row)}: EC2 reports no end date")
    now, start = datetime.now(UTC), row.get("StartDate")
    begins = start if isinstance(start, datetime) and start > now else now
    left = (until - begins) / timedelta(hours=1)
    ends = (
        f"it ends {in_utc(row['EndDate'])}; the training is suspended at {in_utc(until)}, before "
        "EKS removes the nodes"
    )
    if left < _LEAST:
        return failed(
            _NAME,
            f"{_id(row)}: {ends}: too little time is left for the training",
            *_another_block(),
        )
    from_when = f"from {in_utc(begins)}" if begins > now else "now"
    said = f"{_id(row)}: {row['InstanceType']} in {row['AvailabilityZone']}, {from_when}; {ends}"
    nodes = reservations.own_nodes(deployment, {_id(row)})
    if nodes:
        # https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html
        said += f". {nodes} nodes run in it: EKS changes them (version, disk, tags) only at 0 nodes"
    settings = deployment.settings
    needed = settings.workload.rates.training_hours(settings)
    if needed is not None and needed > left:
        return warned(
            _NAME,
            f"{said}. That leaves {left:.0f} h, but the training takes about {needed:.0f} h: it "
            "resumes from its newest checkpoint in a block that is bought later",
        )
    return passed(_NAME, said)


def _id(row: reservations.Row) -> str:
    return str(row["CapacityReservationId"])
