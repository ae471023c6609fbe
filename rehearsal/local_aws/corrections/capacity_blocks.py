"""Node groups in a Capacity Block: EKS's requirements, which the emulator does not check.

https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rehearsal.local_aws import private
from rehearsal.local_aws.corrections.eks_updates import NEW_NODES
from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.provisioner import Made, Properties

_NODE_GROUP, _BLOCK = "AWS::EKS::Nodegroup", "CAPACITY_BLOCK"


def register() -> None:
    """Wrap the emulator's handlers of node groups."""
    private.wrap_type(_NODE_GROUP, "create", _make)
    private.wrap_type(_NODE_GROUP, "update", _update)


def check_block(properties: Properties) -> None:
    """Raise ValueError for a Capacity Block's group that does not meet EKS's requirements."""
    if properties.get("CapacityType") != _BLOCK:
        return
    named = properties.get("LaunchTemplate", {})
    data = _data(named["Id"], str(named["Version"])) if named else {}
    target = data.get("CapacityReservationSpecification", {}).get("CapacityReservationTarget", {})
    there = {
        "InstanceMarketOptions": data.get("InstanceMarketOptions", {}).get("MarketType")
        == "capacity-block",
        "CapacityReservationId": "CapacityReservationId" in target,
        "InstanceType": "InstanceType" in data,
    }
    missing = [name for name, is_there in there.items() if not is_there]
    if missing:
        raise ValueError(
            f"Launch template of a {_BLOCK} node group must specify {', '.join(missing)}"
        )
    if properties.get("InstanceTypes"):
        raise ValueError(
            "You cannot specify instance types when the launch template specifies an instance type"
        )
    if "Placement" in data:
        raise ValueError("A Capacity Block cannot be used with a placement group")
    if len(references.subnets(properties["Subnets"])) > 1:
        raise ValueError("Subnets must be in the Availability Zone of the Capacity Block")


def _data(name: str, version: str) -> dict[str, Any]:
    """Return a launch template's content; the emulator's answer from EC2 omits part of it."""
    template = private.LAUNCH_TEMPLATES.value.get(name, {"Versions": []})
    for each in template["Versions"]:
        if str(each["VersionNumber"]) == version:
            return dict(each["LaunchTemplateData"])
    return {}


def _make(create: Callable[..., Made], logical_id: str, properties: Properties, stack: str) -> Made:
    check_block(properties)
    made = create(logical_id, properties, stack)
    if properties.get("CapacityType") == _BLOCK:
        # EKS does not report a type from the launch template.
        _group(properties["ClusterName"], made[0])["instanceTypes"] = []
    return made


def _update(
    update: Callable[..., Made], physical_id: str, old: Properties, new: Properties, *where: str
) -> Made:
    check_block(new)
    in_place = old.get("NodegroupName") == new.get("NodegroupName")
    nodes = _group(new["ClusterName"], physical_id).get("scalingConfig", {}).get("desiredSize", 0)
    if (
        in_place
        and new.get("CapacityType") == _BLOCK
        and nodes
        and any(old.get(name) != new.get(name) for name in NEW_NODES)
    ):
        raise ValueError(
            "A node group with Capacity Blocks can be upgraded only at a desired size of 0; "
            f"this one has {nodes} nodes"
        )
    return update(physical_id, old, new, *where)


def _group(cluster: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = private.NODE_GROUPS.value.get(f"{cluster}/{name}", {})
    return found
