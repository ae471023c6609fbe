"""FSx, which the emulator lacks: file systems and their data repository associations."""

from __future__ import annotations

from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.provisioner import Made, Properties, ResourceType, Wanted

# What exists: file system id to properties, association id to properties.
file_systems: dict[str, Properties] = {}
associations: dict[str, Properties] = {}

# Updated in place; any other change replaces the file system:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-fsx-filesystem.html
_CHANGEABLE = {"StorageCapacity", "Tags"}
_CHANGEABLE_LUSTRE = {
    "AutomaticBackupRetentionDays",
    "DataCompressionType",
    "LogConfiguration",
    "PerUnitStorageThroughput",
    "WeeklyMaintenanceStartTime",
}
_MOST_ASSOCIATIONS = 8
_SMALLEST_GIB, _STEP_GIB = 1200, 2400
_THROUGHPUTS = {125, 250, 500, 1000}
# For PERSISTENT_2; 2.10 is for older deployment types.
_LUSTRE_VERSIONS = {"2.12", "2.15"}


def dns_name(file_system: str) -> str:
    """Return a file system's DNS name."""
    return f"{file_system}.fsx.local"


def mount_name(file_system: str) -> str:
    """Return a file system's mount name."""
    return file_system[-8:]


def _make(wanted: Wanted) -> Made:
    _check(wanted.properties)
    file_system = wanted.stable_id("fs")
    file_systems[file_system] = wanted.properties
    return file_system, {
        "DNSName": dns_name(file_system),
        "LustreMountName": mount_name(file_system),
        "ResourceARN": f"arn:aws:fsx:::file-system/{file_system}",
    }


def _check(properties: Properties) -> None:
    """Raise ValueError for what FSx refuses for a Lustre file system on persistent SSDs.

    https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystemLustreConfiguration.html
    """
    lustre, capacity = properties["LustreConfiguration"], int(properties["StorageCapacity"])
    references.subnets(properties["SubnetIds"])
    references.security_groups(properties.get("SecurityGroupIds", []))
    if len(properties["SubnetIds"]) != 1:
        raise ValueError("SubnetIds: a Lustre file system needs exactly one subnet")
    if capacity != _SMALLEST_GIB and (capacity <= 0 or capacity % _STEP_GIB):
        raise ValueError(
            f"Invalid storage capacity: {capacity}: not 1200 GiB or a multiple of 2400"
        )
    if int(lustre["PerUnitStorageThroughput"]) not in _THROUGHPUTS:
        raise ValueError(
            f"Invalid PerUnitStorageThroughput: is none of {sorted(_THROUGHPUTS)} MB/s/TiB"
        )
    if properties["FileSystemTypeVersion"] not in _LUSTRE_VERSIONS:
        raise ValueError(f"Invalid FileSystemTypeVersion: is none of {sorted(_LUSTRE_VERSIONS)}")
    group = lustre["LogConfiguration"]["Destination"]
    if ":log-group:/aws/fsx/" not in group:
        raise ValueError(f"The log group must begin with /aws/fsx/: {group}")


def _update(physical_id: str, old: Properties, wanted: Wanted) -> Made:
    new = wanted.properties
    if _fixed(old) != _fixed(new):
        return _make(wanted)
    _check(new)
    if int(new["StorageCapacity"]) < int(old["StorageCapacity"]):
        raise ValueError("Storage capacity of a file system can only be increased")
    file_systems[physical_id] = new
    return physical_id, {}


def _fixed(properties: Properties) -> Properties:
    kept = {name: value for name, value in properties.items() if name not in _CHANGEABLE}
    kept["LustreConfiguration"] = {
        name: value
        for name, value in properties["LustreConfiguration"].items()
        if name not in _CHANGEABLE_LUSTRE
    }
    return kept


def _delete(physical_id: str, properties: Properties) -> None:
    file_systems.pop(physical_id, None)


def _associate(wanted: Wanted) -> Made:
    properties = wanted.properties
    references.bucket(properties["DataRepositoryPath"].removeprefix("s3://").partition("/")[0])
    if properties["FileSystemId"] not in file_systems:
        raise ValueError(f"File system '{properties['FileSystemId']}' does not exist.")
    others = [
        each for each in associations.values() if each["FileSystemId"] == properties["FileSystemId"]
    ]
    # https://docs.aws.amazon.com/fsx/latest/LustreGuide/create-dra-linked-data-repo.html
    if len(others) >= _MOST_ASSOCIATIONS:
        raise ValueError(f"A file system has at most {_MOST_ASSOCIATIONS} associations")
    for name in ("FileSystemPath", "DataRepositoryPath"):
        for each in others:
            if _overlap(each[name], properties[name]):
                raise ValueError(
                    f"{name} {properties[name]} overlaps with that of an existing association, "
                    f"{each[name]}"
                )
    association = wanted.stable_id("dra")
    associations[association] = properties
    return association, {"AssociationId": association}


def _overlap(one: str, other: str) -> bool:
    first, second = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return first.startswith(second) or second.startswith(first)


def _dissociate(physical_id: str, properties: Properties) -> None:
    associations.pop(physical_id, None)


TYPES = {
    "AWS::FSx::FileSystem": ResourceType(_make, _delete, _update),
    "AWS::FSx::DataRepositoryAssociation": ResourceType(_associate, _dissociate),
}
