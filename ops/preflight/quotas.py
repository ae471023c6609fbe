"""Service quotas, compared with what the settings need and what is already in use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from bionemo_eks.configuration.instance_types import (
    CORE_INSTANCE_TYPES,
    GPU_INSTANCE_TYPES,
    InstanceType,
)
from ops import reservations
from ops.aws import Deployment, instances, is_own
from ops.cost.ways import gateways_of
from ops.preflight.quota_codes import VCPU_QUOTAS, quota_family
from ops.preflight.standing import holds
from ops.preflight.vpc_subnets import node_zones
from ops.reasons import code_of, reason
from ops.results import Result, Step, Verdict, command, failed, link, passed, unknown, warned

_KNOWN = {**CORE_INSTANCE_TYPES, **GPU_INSTANCE_TYPES}
ADDRESSES, VPCS = "L-0263D0A3", "L-F678F1CE"


def limit_of(deployment: Deployment, service: str, code: str) -> float:
    """Return a quota's value; AWS's default if the account has no value of its own.

    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
    """
    client = deployment.aws.client("service-quotas")
    try:
        answer = client.get_service_quota(ServiceCode=service, QuotaCode=code)
    except ClientError as error:
        if code_of(error) != "NoSuchResourceException":
            raise
        answer = client.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
    return float(answer["Quota"]["Value"])


def _raise_it(deployment: Deployment, service: str, code: str, wanted: float) -> tuple[Step, ...]:
    region = deployment.settings.region
    return (
        command(
            f"aws service-quotas request-service-quota-increase --region {region} "
            f"--service-code {service} --quota-code {code} --desired-value {wanted:.0f}"
        ),
        link(
            f"https://{region}.console.aws.amazon.com/servicequotas/home/services/{service}"
            f"/quotas/{code}"
        ),
    )


def compared(
    deployment: Deployment,
    name: str,
    service: str,
    code: str,
    *,
    needed: float,
    used: float,
    unit: str,
    at_most: float = 0,
) -> Result:
    """Return whether a quota has room for `needed` besides `used`.

    If it does, but not for `at_most`, which may be needed later, that is a warning.
    """
    limit = limit_of(deployment, service, code)
    said = f"{unit}: {needed:,.0f} needed, {used:,.0f} in use, {limit:,.0f} allowed"
    if needed + used > limit:
        wanted = max(needed, at_most) + used
        return failed(name, f"{said} ({code})", *_raise_it(deployment, service, code, wanted))
    if at_most + used > limit:
        return warned(
            name,
            f"{said}; the maximum of {at_most:,.0f} would not fit ({code})",
            *_raise_it(deployment, service, code, at_most + used),
        )
    return passed(name, said)


def _running_vcpus(deployment: Deployment, family: str, purchase: str) -> int:
    """vCPUs of other projects' instances that count against the same quota."""
    return sum(
        _vcpus(each)
        for each in instances(deployment)
        if not is_own(deployment, each.get("Tags"))
        and (each.get("InstanceLifecycle") == "spot") == (purchase == "spot")
        and quota_family(each["InstanceType"], purchase) == family
    )


def _unused_vcpus(deployment: Deployment, family: str) -> int:
    """Unused vCPUs in the account's Capacity Reservations; they count as if they were running.

    One shared by another account counts against that account's quota; Capacity Blocks do not count.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-reservations.html
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservation-sharing.html
    """
    waiting = [
        each
        for each in _reservations(deployment)
        if quota_family(each["InstanceType"], "on-demand") == family
        and each.get("AvailableInstanceCount", 0)
        and each.get("ReservationType", "default") == "default"
        and each.get("OwnerId", deployment.account) == deployment.account
        and not _awaits_nodes(deployment, each)
    ]
    size = _sizes(deployment, {each["InstanceType"] for each in waiting})
    return sum(each["AvailableInstanceCount"] * size[each["InstanceType"]] for each in waiting)


def _awaits_nodes(deployment: Deployment, row: dict[str, Any]) -> bool:
    """Whether the needed nodes start in a reservation, and so use no more of the quota.

    GPU nodes start only in the one in the settings, because their placement group has none; core
    nodes in any open one.
    """
    settings = deployment.settings
    if row["CapacityReservationId"] in _named(deployment):
        return True
    return (
        row.get("InstanceMatchCriteria") == "open"
        and row["InstanceType"] == settings.core.instance_type
        and row.get("AvailabilityZone") in node_zones(deployment)
    )


def _named(deployment: Deployment) -> set[str]:
    """Return the IDs of the reservations that the settings name, by ID or by group."""
    gpu = deployment.settings.gpu
    if not gpu.capacity_reservation_group:
        return {gpu.capacity_reservation_id}
    return {each["CapacityReservationId"] for each in reservations.own(deployment)}


def _reservations(deployment: Deployment) -> list[dict[str, Any]]:
    active = [{"Name": "state", "Values": ["active"]}]
    return deployment.once(
        "capacity reservations",
        lambda: deployment.aws.pages(
            "ec2", "describe_capacity_reservations", "CapacityReservations", Filters=active
        ),
    )


def _sizes(deployment: Deployment, types: set[str]) -> dict[str, int]:
    """vCPUs of instance types; asks AWS for those that are not in the project's table."""
    sizes = {name: _KNOWN[name].vcpus for name in types & set(_KNOWN)}
    missing = sorted(types - set(_KNOWN))
    if missing:
        listed = deployment.aws.pages(
            "ec2", "describe_instance_types", "InstanceTypes", InstanceTypes=missing
        )
        sizes |= {each["InstanceType"]: each["VCpuInfo"]["DefaultVCpus"] for each in listed}
    return sizes


def _vcpus(instance: dict[str, Any]) -> int:
    known = _KNOWN.get(instance["InstanceType"])
    options = instance.get("CpuOptions", {})
    counted = options.get("CoreCount", 1) * options.get("ThreadsPerCore", 2)
    return known.vcpus if known else int(counted)


def vcpu_quota(
    deployment: Deployment, name: str, instance: InstanceType, nodes: int, at_most: int
) -> Result:
    """Whether the quota has room for `nodes`, and for up to `at_most` of them later."""
    purchase = (
        "spot" if instance.gpus and deployment.settings.gpu.purchase == "spot" else "on-demand"
    )
    family = quota_family(instance.name, purchase)
    code = VCPU_QUOTAS.get((family, purchase))
    if code is None:
        market = purchase.title() if purchase == "spot" else "On-Demand"
        return unknown(name, f"AWS documents no quota code for {market} {family}")
    unused, gap = _counted_unused(deployment, family) if purchase == "on-demand" else (0, "")
    result = compared(
        deployment,
        name,
        "ec2",
        code,
        needed=nodes * instance.vcpus,
        used=_running_vcpus(deployment, family, purchase) + unused,
        unit=f"vCPUs ({nodes} x {instance.name}, {purchase})",
        at_most=at_most * instance.vcpus,
    )
    return replace(result, said=f"{result.said}{gap}")


def _counted_unused(deployment: Deployment, family: str) -> tuple[int, str]:
    """vCPUs of unused reservations, and why they are unknown; not a failure: they are rare."""
    try:
        return _unused_vcpus(deployment, family), ""
    except ClientError as error:
        return 0, f"; unused Capacity Reservations not counted: {reason(error)}"


def core_vcpus(deployment: Deployment) -> Result:
    """vCPUs of the core nodes, and of the most that the autoscaler may start."""
    core = deployment.settings.core
    result = vcpu_quota(
        deployment, "Core vCPU quota", deployment.settings.core_instance, core.nodes, core.max_nodes
    )
    if result.verdict is Verdict.WARN:
        return replace(result, said=f"{result.said}; core.max_nodes is {core.max_nodes}")
    return result


def addresses(deployment: Deployment) -> Result:
    """Elastic IP addresses: one for each NAT gateway that does not exist yet."""
    everything = deployment.aws.client("ec2").describe_addresses()["Addresses"]
    own = sum(is_own(deployment, each.get("Tags")) for each in everything)
    return compared(
        deployment,
        "Elastic IP quota",
        "ec2",
        ADDRESSES,
        needed=max(gateways_of(deployment.settings) - own, 0),
        used=len(everything),
        unit="addresses",
    )


def vpcs(deployment: Deployment) -> Result:
    """VPCs in the region."""
    used = len(deployment.aws.pages("ec2", "describe_vpcs", "Vpcs"))
    needed = 0 if holds(deployment, "Network") else 1
    return compared(deployment, "VPC quota", "vpc", VPCS, needed=needed, used=used, unit="VPCs")
