"""AWS's side of an existing deployment, for status; `changes` are answers (`service__call`)."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

from bionemo_eks.configuration import names
from tests.context import read_settings
from tests.ops.cluster.described import described
from tests.ops.cluster_api import GPU
from tests.simulated.answers import WHEN, file_system
from tests.simulated.aws import ACCOUNT, Answers, in_pages
from tests.simulated.prices import priced

GROUP = GPU["eks.amazonaws.com/nodegroup"]


def stacked(status: str, *of: str) -> dict[str, Any]:
    return {
        "Stacks": [
            {
                "StackName": names.stack_name(read_settings({}), stack),
                "StackStatus": status,
                "CreationTime": WHEN,
            }
            for stack in of or names.STACKS
        ]
    }


def nodegroup(**changes: Any) -> Any:
    about = {
        "status": "ACTIVE",
        "scalingConfig": {"desiredSize": 2, "maxSize": 2, "minSize": 0},
        "instanceTypes": ["p4d.24xlarge"],
    }

    def answer(clusterName: str, nodegroupName: str) -> dict[str, Any]:
        assert (clusterName, nodegroupName) == ("bionemo-on-eks", GROUP)
        shown = {key: value for key, value in {**about, **changes}.items() if value is not None}
        return {"nodegroup": shown}

    return answer


def tasks(Filters: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    assert Filters == [{"Name": "file-system-id", "Values": ["fs-0123456789abcdef0"]}]
    about = {"Type": "IMPORT_METADATA_FROM_REPOSITORY", "CreationTime": WHEN}
    return {
        "DataRepositoryTasks": [{"TaskId": "task-1234567890", "Lifecycle": "SUCCEEDED"} | about]
    }


def in_turn(*states: str) -> dict[str, Any]:
    """Data repository tasks, the oldest first."""
    return {
        "DataRepositoryTasks": [
            {
                "TaskId": f"task-0000000000000000{n}",
                "Lifecycle": state,
                "Type": "EXPORT_TO_REPOSITORY",
                "CreationTime": datetime(2026, 11, 1 + n, tzinfo=UTC),
            }
            for n, state in enumerate(states)
        ]
    }


def associations(Filters: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    assert Filters == [{"Name": "file-system-id", "Values": ["fs-0123456789abcdef0"]}]
    return {
        "Associations": [
            {
                "AssociationId": "dra-0123456789abcdef0",
                "FileSystemPath": "/processed",
                "DataRepositoryPath": "s3://a-bucket/processed",
                "Lifecycle": "AVAILABLE",
            }
        ]
    }


def metrics(waited: float | None = 0.0) -> Any:
    """Free space, and how long the oldest change has waited for its export."""

    def answer(Dimensions: list[dict[str, str]], MetricName: str, **more: Any) -> Any:
        named = {each["Name"]: each["Value"] for each in Dimensions}
        if MetricName == "node_gpu_utilization":
            assert named == {"ClusterName": "bionemo-on-eks"}
            return {"Datapoints": [{"Average": 90.0}] * 3}
        assert named.pop("FileSystemId") == "fs-0123456789abcdef0"
        if MetricName == "AgeOfOldestQueuedMessage":
            assert named == {"Publisher": "AutoExport"}
            point = {"Timestamp": WHEN, "Maximum": waited}
            return {"Datapoints": [] if waited is None else [point]}
        assert (MetricName, named) == ("FreeDataStorageCapacity", {})
        return {"Datapoints": [{"Timestamp": WHEN, "Sum": 2000 * 2.0**30}]}

    return answer


def objects(Bucket: str, Prefix: str, **more: Any) -> dict[str, Any]:
    assert Bucket == "bionemo-on-eks-111122223333-us-west-2"
    if Prefix == "processed/":
        return data_set()
    assert Prefix == "esm1nv-train/"
    when = datetime(2026, 11, 24, tzinfo=UTC)
    return {
        "Contents": [
            {"Key": "esm1nv-train/a/old.ckpt", "LastModified": WHEN},
            {"Key": "esm1nv-train/a/new.ckpt", "LastModified": when},
            {"Key": "esm1nv-train/a/log.txt", "LastModified": datetime(2027, 1, 1, tzinfo=UTC)},
        ]
    }


def data_set(*lost: str) -> dict[str, Any]:
    """The data set's objects in the bucket, but for those `lost`."""
    names = ("_SUCCESS", "train/x000.csv", "val/x000.csv")
    return {
        "Contents": [
            {"Key": f"processed/{name}", "Size": 100} for name in names if name not in lost
        ]
    }


def without(*lost: str) -> Any:
    """The bucket's objects, without those of the data set that are `lost`."""

    def answer(Prefix: str, **more: Any) -> dict[str, Any]:
        return data_set(*lost) if Prefix == "processed/" else objects(Prefix=Prefix, **more)

    return answer


def manifest(Bucket: str, Key: str) -> dict[str, Any]:
    assert Key == "processed/_SUCCESS"
    files = [{"path": path, "bytes": 100} for path in ("train/x000.csv", "val/x000.csv")]
    return {"Body": io.BytesIO(json.dumps({"files": files}).encode())}


def standing(endpoint: str = "https://127.0.0.1:9", **changes: Any) -> Answers:
    """AWS's side of an existing deployment."""
    answers: Answers = {
        **described(endpoint),
        "cloudformation.describe_stacks": stacked("CREATE_COMPLETE"),
        "eks.list_nodegroups": {"nodegroups": [GROUP]},
        "eks.describe_nodegroup": nodegroup(),
        "eks.list_addons": {"addons": ["coredns"]},
        "eks.describe_addon": {"addon": {"status": "ACTIVE", "addonVersion": "v1"}},
        "fsx.describe_file_systems": {
            "FileSystems": [
                file_system(),
                {"FileSystemId": "fs-0000000000000000f", "Lifecycle": "FAILED"},
            ]
        },
        "fsx.describe_data_repository_tasks": tasks,
        "fsx.describe_data_repository_associations": associations,
        "cloudwatch.get_metric_statistics": metrics(),
        "s3.list_objects_v2": objects,
        "s3.get_object": manifest,
        "pricing.get_products": priced,
    }
    return answers | {key.replace("__", "."): value for key, value in changes.items()}


def in_two_pages(endpoint: str) -> Answers:
    """The same, with what counts on AWS's second page."""
    other = {"FileSystemId": "fs-0000000000000000f", "Lifecycle": "FAILED"}
    stacks = stacked("CREATE_COMPLETE")["Stacks"]
    checkpoints = objects(names.bucket_name(read_settings({}), ACCOUNT), "esm1nv-train/")
    old, new, log = checkpoints["Contents"]
    paged = in_pages(
        "Contents",
        [old, log],
        [new],
        token="NextContinuationToken",
        asked="ContinuationToken",
        IsTruncated=True,
    )

    def listed(Prefix: str, **more: Any) -> Any:
        return data_set() if Prefix == "processed/" else paged(Prefix=Prefix, **more)

    return standing(
        endpoint,
        cloudformation__describe_stacks=in_pages("Stacks", stacks[:2], stacks[2:]),
        eks__list_nodegroups=in_pages("nodegroups", [], [GROUP], token="nextToken"),
        eks__list_addons=in_pages("addons", [], ["coredns"], token="nextToken"),
        fsx__describe_file_systems=in_pages("FileSystems", [other], [file_system()]),
        s3__list_objects_v2=listed,
    )
