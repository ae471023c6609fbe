"""FSx for Lustre: offered in the region, within its quotas, and the existing file system."""

from __future__ import annotations

from typing import Any

from ops.aws import Deployment, file_systems, is_own
from ops.preflight.quotas import compared
from ops.preflight.standing import holds, is_recreated
from ops.results import Result, command, failed, link, options, passed, warned

# Lustre Persistent_2 storage capacity (GiB) and the number of Persistent_2 file systems. There is
# no quota for the throughput of SSD file systems of this kind.
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/limits.html
STORAGE, NUMBER = "L-8F1B9C74", "L-FD6F2F22"
_KIND = "PERSISTENT_2"
_START_OVER = ("Or start over; the data is in the bucket:", command("npx cdk destroy --all"))


def offered(deployment: Deployment) -> Result:
    """Whether the region has FSx for Lustre PERSISTENT_2: only then does it have quotas for it.

    No AWS call reports which throughput a region offers; the API accepts 125, 250, 500 and 1000
    for SSD: https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystemLustreConfiguration.html
    """
    name, region = "FSx PERSISTENT_2", deployment.settings.region
    listed = deployment.aws.pages(
        "service-quotas", "list_aws_default_service_quotas", "Quotas", ServiceCode="fsx"
    )
    if not {each["QuotaCode"] for each in listed} & {STORAGE, NUMBER}:
        return failed(
            name,
            f"{region} has no quota for FSx for Lustre {_KIND}, so it does not offer it",
            "Choose another region:",
            link("https://docs.aws.amazon.com/fsx/latest/LustreGuide/using-fsx-lustre.html"),
        )
    throughput = deployment.settings.storage.throughput
    return passed(
        name,
        f"offered in {region}, as its quotas show; {throughput} MB/s/TiB is not checked, because "
        "AWS does not report its throughput tiers by region",
    )


def _there(deployment: Deployment) -> list[dict[str, Any]]:
    return [each for each in file_systems(deployment) if each.get("Lifecycle") != "DELETING"]


def _tagged(deployment: Deployment) -> list[dict[str, Any]]:
    return [each for each in _there(deployment) if is_own(deployment, each.get("Tags"))]


def own(deployment: Deployment) -> list[dict[str, Any]]:
    """The Storage stack's file systems; without that stack, tagged ones are left from earlier."""
    tagged = _tagged(deployment)
    return tagged if tagged and holds(deployment, "Storage") else []


def _others(deployment: Deployment) -> list[dict[str, Any]]:
    mine = own(deployment)
    return [
        each
        for each in _there(deployment)
        if each.get("LustreConfiguration", {}).get("DeploymentType") == _KIND and each not in mine
    ]


def storage_quota(deployment: Deployment) -> Result:
    """GiB of PERSISTENT_2; storage class Intelligent-Tiering has no fixed size."""
    return compared(
        deployment,
        "FSx storage quota",
        "fsx",
        STORAGE,
        needed=deployment.settings.storage.capacity_gib,
        used=sum(each.get("StorageCapacity", 0) for each in _others(deployment)),
        unit="GiB",
    )


def number_quota(deployment: Deployment) -> Result:
    """Number of PERSISTENT_2 file systems."""
    return compared(
        deployment,
        "FSx number quota",
        "fsx",
        NUMBER,
        needed=1,
        used=len(_others(deployment)),
        unit="file systems",
    )


def present(deployment: Deployment) -> Result:
    """Whether the deployment's file system can be updated to what the settings say."""
    name, settings = "File system", deployment.settings
    mine, left = own(deployment), _tagged(deployment)
    if left and not mine:
        ids = ", ".join(each["FileSystemId"] for each in left)
        return warned(
            name,
            f"{ids}: left over from an earlier deployment; this one will create another",
            command("./bionemo leftovers"),
        )
    if not mine or is_recreated(deployment, "Storage"):
        return passed(name, "none yet; it will be created")
    system = mine[0]
    there, wanted = system.get("StorageCapacity", 0), settings.storage.capacity_gib
    # https://docs.aws.amazon.com/fsx/latest/LustreGuide/managing-storage-capacity.html
    if there > wanted:
        return failed(
            name,
            f"{system['FileSystemId']} has {there:,} GiB and cannot shrink to {wanted:,}",
            options(f"-c storage.capacity_gib={there}"),
            *_START_OVER,
        )
    zone = _zone(deployment, system)
    if zone != settings.gpu_zone:
        return failed(
            name,
            f"{system['FileSystemId']} is in {zone}, but the settings say {settings.gpu_zone}: "
            "it would be replaced, and everything that mounts it",
            options(f"-c gpu.availability_zone={zone}"),
            *_START_OVER,
        )
    return passed(name, f"{system['FileSystemId']} exists, {there:,} GiB in {zone}")


def file_system_zone(deployment: Deployment) -> str:
    """Return the zone of the deployment's file system, in which its GPU nodes must be.

    Empty if there is none. Raises botocore's errors if AWS does not answer.
    """
    mine = own(deployment)
    return _zone(deployment, mine[0]) if mine and not is_recreated(deployment, "Storage") else ""


def _zone(deployment: Deployment, system: dict[str, Any]) -> str:
    answer = deployment.aws.client("ec2").describe_subnets(SubnetIds=system["SubnetIds"][:1])
    return str(answer["Subnets"][0]["AvailabilityZone"])
