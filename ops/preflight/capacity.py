"""Instance types: which zones offer them, and which zones to choose."""

from __future__ import annotations

import json
from pathlib import Path

from botocore.exceptions import ClientError

from bionemo_eks.configuration.cdk_context import PINNED, read_file
from bionemo_eks.configuration.efa import efas
from ops import reservations
from ops.aws import Deployment
from ops.preflight import gpu_types
from ops.preflight.vpc_subnets import (
    KIND_TAG,
    PrivateSubnet,
    node_subnets,
    node_zones,
    private_subnets,
)
from ops.project import ROOT
from ops.results import Result, Step, command, failed, options, passed, unknown, warned

_ZONES, _GPU_ZONE = "network.availability_zones", "gpu.availability_zone"
_SUBNETS = "network.node_subnet_ids"
# Zones, by ID, in which EKS puts no control plane:
# https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
_WITHOUT_EKS = {"use1-az3", "usw1-az2", "cac1-az3"}


def _zones(deployment: Deployment) -> dict[str, str]:
    """Names of the account's usable zones, sorted, each with its ID."""
    listed = deployment.once(
        "zones",
        lambda: deployment.aws.client("ec2").describe_availability_zones()["AvailabilityZones"],
    )
    usable = {
        each["ZoneName"]: each.get("ZoneId", "")
        for each in listed
        if each.get("State") == "available"
        and each.get("ZoneType", "availability-zone") == "availability-zone"
    }
    return dict(sorted(usable.items()))


def _with_eks(deployment: Deployment) -> list[str]:
    """The zones to choose from: where EKS works, and in the given VPC if there is one."""
    within = {each.zone for each in node_subnets(deployment)} if _vpc(deployment) else None
    return [
        name
        for name, number in _zones(deployment).items()
        if number not in _WITHOUT_EKS and (within is None or name in within)
    ]


def _vpc(deployment: Deployment) -> str:
    return deployment.settings.network.vpc_id


def offering(deployment: Deployment, instance_type: str) -> list[str]:
    """Return the zones that offer an instance type, sorted."""
    listed = deployment.aws.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [instance_type]}],
    )
    return sorted(each["Location"] for each in listed)


def pinned(folder: Path) -> dict[str, str]:
    """Return the settings of `folder`/cdk.context.json, which override cdk.json's block."""
    content = read_file(folder / PINNED)
    return {key: str(content[key]) for key in (_ZONES, _GPU_ZONE) if key in content}


def _in_force() -> str:
    """Say which zones are pinned, in case edits of cdk.json seem to have no effect."""
    pins = pinned(ROOT)
    if not pins:
        return ""
    text = " ".join(f"{key}={value}" for key, value in pins.items())
    return f"; {PINNED} says {text}, and overrides cdk.json"


def _flags(pins: dict[str, str]) -> Step:
    return options(" ".join(f"-c {key}={value}" for key, value in pins.items()))


def choose(pins: dict[str, str]) -> tuple[Step | str, ...]:
    """The steps that make zones take effect."""
    return (
        f"Write it to {PINNED}:",
        command("./bionemo preflight --pin"),
        "Or for a single command:",
        _flags(pins),
    )


def zones(deployment: Deployment) -> Result:
    """Whether the zones exist in this account, and EKS works in them."""
    if _vpc(deployment):
        return _zones_of_the_vpc(deployment)
    wanted, there = deployment.settings.zones, _zones(deployment)
    missing = [zone for zone in wanted if zone not in there]
    refused = [zone for zone in wanted if there.get(zone, "") in _WITHOUT_EKS]
    if not (missing or refused):
        return passed("Zones", f"{', '.join(wanted)}{_in_force()}")
    named = ", ".join(f"{zone} ({there[zone]})" for zone in refused)
    wrong = (
        f"{', '.join(missing)} is not a zone of this account; available: {', '.join(there)}"
        if missing
        else f"EKS has no control plane in {named}"
    )
    remedy = choose(suggested(deployment, _with_eks(deployment)))
    return failed("Zones", f"{wrong}{_in_force()}", *remedy)


def _zones_of_the_vpc(deployment: Deployment) -> Result:
    """Whether EKS works in the zone of every subnet that it gets, and the GPU nodes have one."""
    name, private, zone = "Zones", private_subnets(deployment), deployment.settings.gpu_zone
    refused = [each for each in private if each.zone_id in _WITHOUT_EKS]
    if refused:
        return failed(
            name,
            f"EKS has no control plane in {', '.join(map(_with_its_zone, refused))}",
            "Make CDK leave the subnet out, and look up the VPC again:",
            *(command(_out_of_sight(deployment, each)) for each in refused),
            command("npx cdk context --reset 'vpc-provider:*' --force"),
        )
    there = node_zones(deployment)
    if zone in there:
        return passed(name, f"{', '.join(there)}, in {_vpc(deployment)}{_in_force()}")
    said = f"{_vpc(deployment)} has no subnet for GPU nodes in {zone}"
    if not there:
        return failed(name, said, "Add private subnets in two zones, or choose another VPC")
    return failed(
        name,
        f"{said}; it has them in {', '.join(there)}{_in_force()}",
        *choose(suggested(deployment, there)),
    )


def _with_its_zone(subnet: PrivateSubnet) -> str:
    return f"{subnet.zone} ({subnet.zone_id}), where {subnet.id} is"


def _out_of_sight(deployment: Deployment, subnet: PrivateSubnet) -> str:
    return (
        f"aws ec2 create-tags --region {deployment.settings.region} --resources {subnet.id} "
        f"--tags Key={KIND_TAG},Value=Isolated"
    )


def gpu_type(deployment: Deployment) -> Result:
    """Whether the GPU nodes' zone offers their type; if not, which zone does, or other types."""
    name, settings = "GPU instance type", deployment.settings
    wanted, zone = settings.gpu.instance_type, settings.gpu_zone
    there, retired = gpu_types.offered_everywhere(deployment), gpu_types.retirement(deployment)
    if zone in there and retired:
        return warned(name, f"{retired}; {zone} still offers it to this account")
    if zone in there:
        return passed(name, f"{wanted} is offered in {zone}{_in_force()}{_efa(deployment)}")
    others = gpu_types.instead(deployment)
    if not there:
        all_of = "offers all of" if len(settings.gpu.types) > 1 else "offers"
        missing = f"no zone of {settings.region} {all_of} {wanted}"
        return failed(name, retired or missing, *others)
    if not set(there) & set(_with_eks(deployment)):
        return failed(
            name,
            f"{wanted} is offered in {', '.join(there)}, where the deployment cannot run",
            "Choose another gpu.instance_type, or a VPC with private subnets there",
            *others,
        )
    return failed(
        name,
        f"{wanted} is not offered in {zone}, but in {', '.join(there)}{_in_force()}",
        *choose(suggested(deployment, there)),
        *others,
    )


def _efa(deployment: Deployment) -> str:
    """Say whether the training uses its nodes' EFA, or why not; empty if they have none."""
    settings = deployment.settings
    if settings.efa:
        return "; with EFA"
    if not any(efas(each) for each in settings.gpu_instances):
        return ""
    return f"; without EFA: {settings.no_efa or 'gpu.efa is off'}"


def core_type(deployment: Deployment) -> Result:
    """Whether all zones of the core nodes offer their type."""
    name, wanted = "Core instance type", deployment.settings.core.instance_type
    there = offering(deployment, wanted)
    missing = [zone for zone in node_zones(deployment) if zone not in there]
    if not there:
        return unknown(name, f"EC2 lists no zone for {wanted}")
    if missing:
        return failed(
            name,
            f"{', '.join(missing)} does not offer {wanted}; offered in {', '.join(there)}"
            f"{_in_force()}",
            "Choose another core.instance_type, or other zones:",
            _flags(_with_core_nodes(deployment, there)),
        )
    return passed(name, f"{wanted} is offered in {', '.join(node_zones(deployment))}")


def _with_core_nodes(deployment: Deployment, offered: list[str]) -> dict[str, str]:
    """The settings that put all nodes in zones that offer the core nodes' type."""
    if not _vpc(deployment):
        return suggested(deployment, offered, both=True)
    fitting = [each.id for each in node_subnets(deployment) if each.zone in offered]
    return {_SUBNETS: ",".join(fitting), **suggested(deployment, offered)}


def suggested(deployment: Deployment, offered: list[str], *, both: bool = False) -> dict[str, str]:
    """Return both zone settings, so that the GPU nodes are in one of the zones `offered`.

    Always both settings: zones without that of the GPU nodes would be refused. The second zone is
    a current one if EKS works in it; with `both`, one of those offered. In a given VPC only the GPU
    nodes' zone can be chosen.
    """
    usable = _with_eks(deployment)
    fitting = [zone for zone in offered if zone in usable] or offered
    wanted = [deployment.settings.gpu_zone, *deployment.settings.zones]
    first = next((zone for zone in wanted if zone in fitting), fitting[0] if fitting else "")
    if _vpc(deployment):
        return {_GPU_ZONE: first}
    second = [zone for zone in usable if zone != first and (zone in offered or not both)]
    others = [zone for zone in (*deployment.settings.zones, *second) if zone in second]
    return {_ZONES: ",".join([first, *others[:1]]), _GPU_ZONE: first}


def _with_the_reservation(deployment: Deployment, offered: list[str]) -> list[str]:
    """Return those of the zones `offered` in which nodes are reserved, if there are any."""
    try:
        reserved = {each.get("AvailabilityZone") for each in reservations.own(deployment)}
    except ClientError:  # reported by its own check
        return offered
    return [zone for zone in offered if zone in reserved] or offered


def pin(deployment: Deployment, folder: Path) -> dict[str, str]:
    """Write suitable zones to `folder`/cdk.context.json, if the current ones are not.

    Returns what was written; nothing if the zones are fine or no zone would be.
    """
    offered = _with_the_reservation(deployment, gpu_types.offered_everywhere(deployment))
    usable = _with_eks(deployment)
    zone = deployment.settings.gpu_zone
    right = zone in offered and {zone, *node_zones(deployment)} <= set(usable)
    if right or not set(offered) & set(usable):
        return {}
    pins = suggested(deployment, offered)
    path = folder / PINNED
    path.write_text(json.dumps({**read_file(path), **pins}, indent=2) + "\n", encoding="utf-8")
    return pins
