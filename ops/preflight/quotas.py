"""Service quotas against what the settings need and what runs already."""

from __future__ import annotations

from typing import Any

from bionemo_eks.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES, InstanceType
from bionemo_eks.naming import DEPLOYMENT_TAG
from ops.aws import Deployment, stacks
from ops.results import Result, failed, passed

# Codes as Service Quotas lists them:
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
_VCPU_QUOTAS = {
    ("P", "on-demand"): "L-417A185B",
    ("P", "spot"): "L-7212CCBC",
    ("G and VT", "on-demand"): "L-DB2E81BA",
    ("G and VT", "spot"): "L-3819A6DF",
    ("Standard", "on-demand"): "L-1216C47A",
    ("Standard", "spot"): "L-34B43A08",
}
_FAMILIES = {"P": "p", "G and VT": "gv", "Standard": "acdhimrtz"}
_ADDRESSES, _VPCS = "L-0263D0A3", "L-F678F1CE"
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/limits.html
_LUSTRE_STORAGE, _LUSTRE_SYSTEMS = "L-8F1B9C74", "L-FD6F2F22"


def _quota(found: Deployment, service: str, code: str) -> float:
    answer = found.aws.client("service-quotas").get_service_quota(
        ServiceCode=service, QuotaCode=code
    )
    return float(answer["Quota"]["Value"])


def _raise_it(found: Deployment, service: str, code: str, wanted: float) -> str:
    region = found.settings.region
    return (
        f"aws service-quotas request-service-quota-increase --region {region} "
        f"--service-code {service} --quota-code {code} --desired-value {wanted:.0f}\n"
        f"or https://{region}.console.aws.amazon.com/servicequotas/home/services/{service}"
        f"/quotas/{code}"
    )


def _compared(
    found: Deployment, name: str, service: str, code: str, *, needed: float, used: float, unit: str
) -> Result:
    limit = _quota(found, service, code)
    said = f"{needed:,.0f} {unit} needed, {used:,.0f} in use, {limit:,.0f} allowed"
    if needed + used > limit:
        return failed(name, f"{said} ({code})", _raise_it(found, service, code, needed + used))
    return passed(name, said)


def _running_vcpus(found: Deployment, family: str, *, spot: bool) -> int:
    """vCPUs of other projects' instances that count in the same quota."""
    reservations = found.aws.pages(
        "ec2",
        "describe_instances",
        "Reservations",
        Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
    )
    total = 0
    for each in (instance for one in reservations for instance in one["Instances"]):
        tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
        ours = tags.get(DEPLOYMENT_TAG) == found.settings.cluster_name
        same_kind = (each.get("InstanceLifecycle") == "spot") == spot
        if not ours and same_kind and each["InstanceType"][0] in _FAMILIES[family]:
            total += _vcpus(each)
    return total


def _vcpus(instance: dict[str, Any]) -> int:
    known: InstanceType | None = {**CORE_INSTANCE_TYPES, **GPU_INSTANCE_TYPES}.get(
        instance["InstanceType"]
    )
    options = instance.get("CpuOptions", {})
    counted = options.get("CoreCount", 1) * options.get("ThreadsPerCore", 2)
    return known.vcpus if known else int(counted)


def _vcpu_quota(found: Deployment, name: str, instance: InstanceType, nodes: int) -> Result:
    purchase = "spot" if instance.gpus and found.settings.gpu.purchase == "spot" else "on-demand"
    return _compared(
        found,
        name,
        "ec2",
        _VCPU_QUOTAS[instance.quota_family, purchase],
        needed=nodes * instance.vcpus,
        used=_running_vcpus(found, instance.quota_family, spot=purchase == "spot"),
        unit=f"vCPUs ({nodes} x {instance.name}, {purchase})",
    )


def gpu_vcpus(found: Deployment) -> Result:
    """vCPUs of the GPU nodes' family, On-Demand or Spot."""
    settings = found.settings
    return _vcpu_quota(found, "GPU vCPU quota", settings.gpu_instance, settings.gpu.nodes)


def core_vcpus(found: Deployment) -> Result:
    """vCPUs of the core nodes."""
    settings = found.settings
    return _vcpu_quota(found, "Core vCPU quota", settings.core_instance, settings.core.nodes)


def addresses(found: Deployment) -> Result:
    """Elastic IP addresses: one for each NAT gateway."""
    ours = f"{found.settings.cluster_name}-network" in stacks(found)
    gateways = 1 if found.settings.network.nat_gateways == "one" else len(found.settings.zones)
    used = len(found.aws.client("ec2").describe_addresses()["Addresses"])
    return _compared(
        found,
        "Elastic IP quota",
        "ec2",
        _ADDRESSES,
        needed=0 if ours else gateways,
        used=used,
        unit="addresses",
    )


def vpcs(found: Deployment) -> Result:
    """VPCs of the region."""
    ours = f"{found.settings.cluster_name}-network" in stacks(found)
    used = len(found.aws.pages("ec2", "describe_vpcs", "Vpcs"))
    return _compared(
        found, "VPC quota", "vpc", _VPCS, needed=0 if ours else 1, used=used, unit="VPCs"
    )


def lustre_offered(found: Deployment) -> Result:
    """Whether the region has FSx for Lustre PERSISTENT_2: only then has it a quota for it."""
    name, region = "FSx PERSISTENT_2", found.settings.region
    listed = found.aws.pages(
        "service-quotas", "list_aws_default_service_quotas", "Quotas", ServiceCode="fsx"
    )
    codes = {each["QuotaCode"] for each in listed}
    if not codes & {_LUSTRE_STORAGE, _LUSTRE_SYSTEMS}:
        return failed(
            name,
            f"{region} does not offer FSx for Lustre PERSISTENT_2",
            "Choose another region: "
            "https://docs.aws.amazon.com/fsx/latest/LustreGuide/using-fsx-lustre.html",
        )
    throughput = found.settings.storage.throughput
    return passed(name, f"offered in {region}, with {throughput} MB/s/TiB as every PERSISTENT_2")


def lustre_storage(found: Deployment) -> Result:
    """GiB of PERSISTENT_2 file systems."""
    systems = found.aws.pages("fsx", "describe_file_systems", "FileSystems")
    others = [
        each
        for each in systems
        if each.get("LustreConfiguration", {}).get("DeploymentType") == "PERSISTENT_2"
        and {"Key": DEPLOYMENT_TAG, "Value": found.settings.cluster_name}
        not in each.get("Tags", [])
    ]
    return _compared(
        found,
        "FSx storage quota",
        "fsx",
        _LUSTRE_STORAGE,
        needed=found.settings.storage.capacity_gib,
        used=sum(each["StorageCapacity"] for each in others),
        unit="GiB",
    )
