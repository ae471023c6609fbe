"""Instances: which zones have them, and whether a reservation holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bionemo_eks.cdk_context import PINNED
from ops.aws import Deployment
from ops.results import Result, failed, passed, unknown

_ZONES, _GPU_ZONE = "network.availability_zones", "gpu.availability_zone"


def _zone_names(found: Deployment) -> list[str]:
    listed = found.aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    return sorted(
        each["ZoneName"]
        for each in listed
        if each.get("State") == "available"
        and each.get("ZoneType", "availability-zone") == "availability-zone"
    )


def offering(found: Deployment, instance_type: str) -> list[str]:
    """Return the zones that offer an instance type, sorted."""
    listed = found.aws.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [instance_type]}],
    )
    return sorted(each["Location"] for each in listed)


def zones(found: Deployment) -> Result:
    """Whether the zones exist for this account."""
    wanted, there = found.settings.zones, _zone_names(found)
    missing = [zone for zone in wanted if zone not in there]
    if missing:
        return failed(
            "Zones",
            f"{', '.join(missing)} is not a zone of this account; there are {', '.join(there)}",
            f"-c {_ZONES}={','.join(there[:2])}",
        )
    return passed("Zones", ", ".join(wanted))


def gpu_type(found: Deployment) -> Result:
    """Whether the GPU nodes' zone offers their type; if not, which zone does."""
    settings = found.settings
    wanted, zone = settings.gpu.instance_type, settings.gpu_zone
    there = offering(found, wanted)
    if zone in there:
        return passed("GPU instance type", f"{wanted} is offered in {zone}")
    if not there:
        return failed(
            "GPU instance type",
            f"{settings.region} does not offer {wanted}",
            "Choose another region or gpu.instance_type",
        )
    pins = suggested(found, there)
    options = " ".join(f"-c {key}={value}" for key, value in pins.items())
    return failed(
        "GPU instance type",
        f"{zone} does not offer {wanted}; {', '.join(there)} do",
        f"./bionemo preflight --pin writes it to {PINNED}; or for one command: {options}",
    )


def core_type(found: Deployment) -> Result:
    """Whether both zones offer the core nodes' type."""
    wanted, there = (
        found.settings.core.instance_type,
        offering(found, found.settings.core.instance_type),
    )
    missing = [zone for zone in found.settings.zones if zone not in there]
    if not there:
        return unknown("Core instance type", f"EC2 lists no zone for {wanted}")
    if missing:
        return failed(
            "Core instance type",
            f"{', '.join(missing)} does not offer {wanted}; {', '.join(there)} do",
            f"-c {_ZONES}={','.join(there[:2])}, or another core.instance_type",
        )
    return passed("Core instance type", f"{wanted} is offered in {', '.join(found.settings.zones)}")


def suggested(found: Deployment, offered: list[str]) -> dict[str, str]:
    """Return the settings with which the GPU nodes are where their type is offered."""
    first = next((zone for zone in found.settings.zones if zone in offered), offered[0])
    others = [zone for zone in (*found.settings.zones, *_zone_names(found)) if zone != first]
    return {_ZONES: f"{first},{others[0]}", _GPU_ZONE: first}


def pin(found: Deployment, folder: Path) -> dict[str, str]:
    """Write the zones to choose to `folder`/cdk.context.json, if the present one will not do.

    Returns what has been written; nothing when the zone is right or no zone would be.
    """
    offered = offering(found, found.settings.gpu.instance_type)
    if found.settings.gpu_zone in offered or not offered:
        return {}
    pins = suggested(found, offered)
    path = folder / PINNED
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**content, **pins}, indent=2) + "\n", encoding="utf-8")
    return pins


def reservation(found: Deployment) -> Result:
    """Whether the capacity reservation is there, active, of the type and zone, with room."""
    name, settings = "Capacity reservation", found.settings
    wanted = settings.gpu.capacity_reservation_id
    listed = found.aws.pages("ec2", "describe_capacity_reservations", "CapacityReservations")
    row = next((each for each in listed if each["CapacityReservationId"] == wanted), None)
    if row is None:
        return failed(
            name,
            f"{wanted} is not in {settings.region} of this account",
            "Check gpu.capacity_reservation_id and region",
        )
    wrong = [
        f"{what} is {row.get(key)}, not {value}"
        for what, key, value in (
            ("its state", "State", "active"),
            ("its type", "InstanceType", settings.gpu.instance_type),
            ("its zone", "AvailabilityZone", settings.gpu_zone),
        )
        if row.get(key) != value
    ]
    free, nodes = row.get("AvailableInstanceCount", 0), settings.gpu.nodes
    if free < nodes:
        wrong.append(f"it has room for {free} instances, not {nodes}")
    if wrong:
        return failed(name, f"{wanted}: {'; '.join(wrong)}", "Change the reservation or the gpu.*")
    return passed(name, f"{wanted} has room for {free} {settings.gpu.instance_type}")
