"""The FSx calls that tools make to read file systems; the emulator has no FSx at all.

https://docs.aws.amazon.com/fsx/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from typing import Any

from rehearsal.local_aws.calls import routing
from rehearsal.local_aws.types.fsx import associations, dns_name, file_systems, mount_name


def _file_systems(asked: dict[str, Any]) -> dict[str, Any]:
    wanted = asked.get("FileSystemIds", [])
    return {
        "FileSystems": [
            {
                "FileSystemId": name,
                "FileSystemType": properties["FileSystemType"],
                "FileSystemTypeVersion": properties["FileSystemTypeVersion"],
                "Lifecycle": "AVAILABLE",
                "StorageCapacity": int(properties["StorageCapacity"]),
                "StorageType": properties["StorageType"],
                "SubnetIds": properties["SubnetIds"],
                "DNSName": dns_name(name),
                "Tags": properties.get("Tags", []),
                "LustreConfiguration": {
                    "DeploymentType": properties["LustreConfiguration"]["DeploymentType"],
                    "MountName": mount_name(name),
                },
            }
            for name, properties in file_systems.items()
            if not wanted or name in wanted
        ]
    }


def _associations(asked: dict[str, Any]) -> dict[str, Any]:
    names = ("FileSystemId", "FileSystemPath", "DataRepositoryPath")
    return {
        "Associations": [
            {"AssociationId": name, "Lifecycle": "AVAILABLE"}
            | {key: properties[key] for key in names}
            for name, properties in associations.items()
        ]
    }


_ACTIONS = {
    "DescribeFileSystems": _file_systems,
    "DescribeDataRepositoryAssociations": _associations,
    "DescribeDataRepositoryTasks": lambda asked: {"DataRepositoryTasks": []},
    "DescribeBackups": lambda asked: {"Backups": []},
}


def register() -> None:
    """Add FSx to the services that the emulator answers for."""
    routing.add("fsx", "AWSSimbaAPIService_v20180301", _ACTIONS)
