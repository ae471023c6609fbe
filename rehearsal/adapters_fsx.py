"""FSx, of which the emulator has nothing: file systems and their data repository associations."""

from __future__ import annotations

from ministack.services import s3

from rehearsal.handlers import Made, Properties, handler, new_id, replaced_when_changed

# What is there: file system id to properties, association id to properties.
file_systems: dict[str, Properties] = {}
associations: dict[str, Properties] = {}

# Updated in place; all else makes a new file system:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-fsx-filesystem.html
_CHANGEABLE = {"StorageCapacity", "Tags"}
_CHANGEABLE_LUSTRE = {
    "AutomaticBackupRetentionDays",
    "DataCompressionType",
    "LogConfiguration",
    "PerUnitStorageThroughput",
    "WeeklyMaintenanceStartTime",
}


def _make(logical_id: str, properties: Properties, stack: str) -> Made:
    lustre = properties["LustreConfiguration"]
    group = lustre["LogConfiguration"]["Destination"]
    if ":log-group:/aws/fsx/" not in group:
        raise ValueError(f"The log group must begin with /aws/fsx/: {group}")
    file_system = new_id("fs")
    file_systems[file_system] = properties
    return file_system, {
        "DNSName": f"{file_system}.fsx.local",
        "LustreMountName": file_system[-8:],
        "ResourceARN": f"arn:aws:fsx:::file-system/{file_system}",
    }


def _update(
    physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Made:
    if _fixed(old) != _fixed(new):
        return _make(logical_id, new, stack)
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


def _associate(logical_id: str, properties: Properties, stack: str) -> Made:
    bucket = properties["DataRepositoryPath"].removeprefix("s3://").partition("/")[0]
    if bucket not in s3._buckets:
        raise ValueError(f"The bucket {bucket} does not exist")
    taken = [
        each["FileSystemPath"]
        for each in associations.values()
        if each["FileSystemId"] == properties["FileSystemId"]
    ]
    if properties["FileSystemPath"] in taken:
        raise ValueError(f"{properties['FileSystemPath']} has an association already")
    association = new_id("dra")
    associations[association] = properties
    return association, {"AssociationId": association}


def _dissociate(physical_id: str, properties: Properties) -> None:
    associations.pop(physical_id, None)


HANDLERS = {
    "AWS::FSx::FileSystem": handler(_make, _update, _delete),
    "AWS::FSx::DataRepositoryAssociation": replaced_when_changed(_associate, _dissociate),
}
