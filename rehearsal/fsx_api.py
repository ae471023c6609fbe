"""The few FSx calls that tools make to look at a file system; the emulator has no FSx at all.

https://docs.aws.amazon.com/fsx/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import router

from rehearsal.adapters_fsx import associations, file_systems

_TARGET = "AWSSimbaAPIService_v20180301"
Answer = tuple[int, dict[str, str], bytes]


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
                "DNSName": f"{name}.fsx.local",
                "Tags": properties.get("Tags", []),
                "LustreConfiguration": {
                    "DeploymentType": properties["LustreConfiguration"]["DeploymentType"],
                    "MountName": name[-8:],
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


_ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "DescribeFileSystems": _file_systems,
    "DescribeDataRepositoryAssociations": _associations,
    "DescribeDataRepositoryTasks": lambda asked: {"DataRepositoryTasks": []},
    "DescribeBackups": lambda asked: {"Backups": []},
}


async def _handle(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Answer:
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    content_type = {"Content-Type": "application/x-amz-json-1.1"}
    if action not in _ACTIONS:
        refused = {"__type": "UnsupportedOperation", "message": f"{action} is not rehearsed"}
        return 400, content_type, json.dumps(refused).encode()
    answer = _ACTIONS[action](json.loads(body or b"{}"))
    return 200, content_type, json.dumps(answer).encode()


def register() -> None:
    """Add FSx to the services that the emulator answers for."""
    router.SERVICE_PATTERNS["fsx"] = {"target_prefixes": [_TARGET]}
    app.SERVICE_HANDLERS["fsx"] = _handle
