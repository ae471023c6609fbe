"""How a deployment is and how far it is: AWS side by side, then the jobs in the cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks import naming
from bionemo_eks.instance_types import GPU_INSTANCE_TYPES
from ops.aws import Deployment, stacks
from ops.jobs import Jobs, jobs
from ops.kubernetes_api import ClusterError, connected
from ops.results import reason

_GIB = 2**30


@dataclass(frozen=True)
class Line:
    """One thing and its state; `good` is None where there is nothing to judge."""

    part: str
    name: str
    state: str
    good: bool | None = None


def status(found: Deployment) -> list[Line]:
    """Return the state of everything, in the order of a deployment."""
    parts: list[tuple[str, Callable[[Deployment], list[Line]]]] = [
        ("Stacks", _stacks),
        ("Cluster", _cluster),
        ("Node groups", _node_groups),
        ("Add-ons", _addons),
        ("Storage", _storage),
        ("Data tasks", _tasks),
        ("Workload", _workload),
        ("Checkpoints", _checkpoint),
    ]
    with ThreadPoolExecutor(len(parts)) as pool:
        return [
            line
            for lines in pool.map(lambda each: _guarded(each[0], each[1], found), parts)
            for line in lines
        ]


def _guarded(part: str, look: Callable[[Deployment], list[Line]], found: Deployment) -> list[Line]:
    try:
        return look(found)
    except ClusterError as error:
        return [Line(part, "", f"could not tell: {error}")]
    except (ClientError, BotoCoreError) as error:
        if "NotFound" in str(error):
            return [Line(part, "", "not there", False)]
        return [Line(part, "", f"could not tell: {reason(error)}")]


def _stacks(found: Deployment) -> list[Line]:
    there = stacks(found)
    lines = []
    for stack in naming.STACKS:
        name = naming.stack_name(found.settings, stack)
        state = there.get(name, {}).get("StackStatus", "not there")
        good = state.endswith("_COMPLETE") and "ROLLBACK" not in state
        lines.append(Line("Stacks", name, state, good))
    return lines


def _cluster(found: Deployment) -> list[Line]:
    name = found.settings.cluster_name
    cluster = found.aws.client("eks").describe_cluster(name=name)["cluster"]
    state = f"{cluster['status']}, Kubernetes {cluster.get('version', '?')}"
    return [Line("Cluster", name, state, cluster["status"] == "ACTIVE")]


def _node_groups(found: Deployment) -> list[Line]:
    eks, cluster = found.aws.client("eks"), found.settings.cluster_name
    lines = []
    for name in found.aws.pages("eks", "list_nodegroups", "nodegroups", clusterName=cluster):
        group = eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
        sizes, kind = group["scalingConfig"], group["instanceTypes"][0]
        gpus = GPU_INSTANCE_TYPES[kind].gpus if kind in GPU_INSTANCE_TYPES else 0
        state = f"{group['status']}, {sizes['desiredSize']} of at most {sizes['maxSize']} {kind}"
        if gpus:
            state += f", {sizes['desiredSize'] * gpus} GPUs"
        issues = [each.get("message", "") for each in group.get("health", {}).get("issues", [])]
        good = group["status"] in ("ACTIVE", "UPDATING") and not issues
        lines.append(Line("Node groups", name, "; ".join([state, *issues]), good))
    return lines


def _addons(found: Deployment) -> list[Line]:
    eks, cluster = found.aws.client("eks"), found.settings.cluster_name
    lines = []
    for name in found.aws.pages("eks", "list_addons", "addons", clusterName=cluster):
        addon = eks.describe_addon(clusterName=cluster, addonName=name)["addon"]
        issues = [each.get("message", "") for each in addon.get("health", {}).get("issues", [])]
        state = "; ".join([f"{addon['status']}, {addon['addonVersion']}", *issues])
        lines.append(Line("Add-ons", name, state, addon["status"] == "ACTIVE" and not issues))
    return lines


def file_systems(found: Deployment) -> list[dict[str, Any]]:
    """Return the deployment's file systems: those with its tag."""
    tag = {"Key": naming.DEPLOYMENT_TAG, "Value": found.settings.cluster_name}
    everything = found.aws.pages("fsx", "describe_file_systems", "FileSystems")
    return [each for each in everything if tag in each.get("Tags", [])]


def _storage(found: Deployment) -> list[Line]:
    lines = []
    for each in file_systems(found):
        state = f"{each['Lifecycle']}, {each['StorageCapacity']:,} GiB{_free(found, each)}"
        good = each["Lifecycle"] in ("AVAILABLE", "UPDATING")
        lines.append(Line("Storage", each["FileSystemId"], state, good))
    return lines or [Line("Storage", "", "no file system", False)]


def _free(found: Deployment, system: dict[str, Any]) -> str:
    """Return the free space; CloudWatch has it each minute, summed over the servers.

    https://docs.aws.amazon.com/fsx/latest/LustreGuide/fs-metrics.html
    """
    now = datetime.now(UTC)
    try:
        points = found.aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/FSx",
            MetricName="FreeDataStorageCapacity",
            Dimensions=[{"Name": "FileSystemId", "Value": system["FileSystemId"]}],
            StartTime=now - timedelta(minutes=15),
            EndTime=now,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
    except (ClientError, BotoCoreError):
        return ""
    if not points:
        return ""
    return f", {max(points, key=lambda p: p['Timestamp'])['Sum'] / _GIB:,.0f} GiB free"


def _tasks(found: Deployment) -> list[Line]:
    ids = [each["FileSystemId"] for each in file_systems(found)]
    if not ids:
        return []
    listed = found.aws.pages(
        "fsx",
        "describe_data_repository_tasks",
        "DataRepositoryTasks",
        Filters=[{"Name": "file-system-id", "Values": ids}],
    )
    return [
        Line(
            "Data tasks",
            each["TaskId"],
            f"{each['Type']}: {each['Lifecycle']}",
            each["Lifecycle"] not in ("FAILED", "CANCELED"),
        )
        for each in listed[:5]
    ]


def _workload(found: Deployment) -> list[Line]:
    with connected(found) as api:
        return lines_of(jobs(api))


def lines_of(told: Jobs) -> list[Line]:
    """Return the jobs as lines."""
    lines = []
    for name, state, line in (
        ("UniRef50 data", told.data, told.data_line),
        ("launcher", told.launcher, ""),
        ("ESM-1nv training", told.training, told.training_line),
    ):
        good = None if not state else not state.startswith("failed")
        lines.append(Line("Workload", name, state or "not there", good))
        if line:
            lines.append(Line("Workload", "", line))
    if told.workers:
        states = ", ".join(f"{count} {state}" for state, count in sorted(told.workers.items()))
        bad = set(told.workers) - {"Running", "Succeeded", "Pending", "ContainerCreating"}
        state = f"{states}; {told.restarts} restarts"
        lines.append(Line("Workload", "workers", state, not bad))
    return lines


def _checkpoint(found: Deployment) -> list[Line]:
    """The newest checkpoint that has reached the bucket."""
    bucket = naming.bucket_name(found.settings, found.account)
    objects = found.aws.pages(
        "s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix="esm1nv-train/"
    )
    saved = [each for each in objects if each["Key"].endswith((".ckpt", ".nemo"))]
    if not saved:
        return [Line("Checkpoints", bucket, "none yet")]
    last = max(saved, key=lambda each: each["LastModified"])
    when = last["LastModified"].strftime("%Y-%m-%d %H:%M UTC")
    return [Line("Checkpoints", last["Key"], f"{len(saved)} in the bucket, newest of {when}", True)]
