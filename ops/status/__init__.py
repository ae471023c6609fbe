"""How a deployment is and how far it is: AWS side by side, then what the cluster tells."""

from __future__ import annotations

from collections.abc import Callable

from bionemo_eks.configuration import names
from bionemo_eks.jobs.places import FSX
from ops import aws
from ops.aws import Deployment, stacks
from ops.cluster.api import ClusterError, NoClusterError
from ops.cluster.inside import Inside, inside
from ops.parallel import LOOK_DEADLINE, side_by_side
from ops.reasons import code_of, failure_reason
from ops.status import storage
from ops.status.lines import Line, judged, missing, silent
from ops.status.node_groups import node_groups
from ops.status.workload import lines_of

__all__ = ["Line", "lines_of", "status"]

# AWS' codes for a thing that is not there.
_NOT_THERE = {"ResourceNotFoundException", "NoSuchBucket", "NotFoundException", "404"}
# A folder of the file system has in the bucket the name that it has there.


def status(deployment: Deployment) -> list[Line]:
    """Return the state of everything, in the order of a deployment."""
    parts: dict[str, Callable[[Deployment], list[Line]]] = {
        "Stacks": _stacks,
        "Cluster": _cluster,
        "Node groups": _node_groups,
        "Add-ons": _addons,
        "Storage": storage.file_systems,
        "S3 links": storage.links,
        "Data tasks": storage.tasks,
        "Workload": _workload,
        "Checkpoints": _checkpoint,
    }

    def look(part: str) -> Callable[[], list[Line]]:
        return lambda: _guarded(part, parts[part], deployment)

    looked = side_by_side({part: look(part) for part in parts}, LOOK_DEADLINE)
    return [
        line
        for part, lines in looked.items()
        for line in (
            lines.result()
            if lines.done()
            else [silent(part, f"no answer within {LOOK_DEADLINE:.0f} s")]
        )
    ]


def _guarded(
    part: str, look: Callable[[Deployment], list[Line]], deployment: Deployment
) -> list[Line]:
    try:
        return look(deployment)
    except NoClusterError:
        return [missing(deployment, part)]
    except ClusterError as error:
        return [silent(part, str(error))]
    except Exception as error:  # one part that cannot be told leaves the others standing
        if code_of(error) in _NOT_THERE:
            return [missing(deployment, part)]
        return [silent(part, failure_reason(error))]


def _stacks(deployment: Deployment) -> list[Line]:
    there, lines = stacks(deployment), []
    for stack in names.stacks(deployment.settings):
        name = names.stack_name(deployment.settings, stack)
        if name not in there:
            lines.append(missing(deployment, "Stacks", name))
            continue
        state = there[name]["StackStatus"]
        good = aws.is_standing(state)
        # It stands, but is not what the settings say: the last update failed.
        rolled_back = state.endswith("_COMPLETE") and "ROLLBACK" in state and good
        unsettled = state.endswith("IN_PROGRESS") or rolled_back
        lines.append(Line("Stacks", name, state, None if unsettled else good, unsettled=unsettled))
    return lines


def _cluster(deployment: Deployment) -> list[Line]:
    name = deployment.settings.cluster_name
    cluster = deployment.aws.client("eks").describe_cluster(name=name)["cluster"]
    state = f"{cluster['status']}, Kubernetes {cluster.get('version', '?')}"
    return [judged("Cluster", name, cluster["status"], state)]


def _inside(deployment: Deployment) -> Inside | ClusterError:
    """What the cluster's API tells; asked once, for node groups and workload."""

    def ask() -> Inside | ClusterError:
        try:
            return inside(deployment)
        except ClusterError as error:
            return error

    return deployment.once("inside", ask)


def _node_groups(deployment: Deployment) -> list[Line]:
    seen = _inside(deployment)
    return node_groups(deployment, None if isinstance(seen, ClusterError) else seen)


def _addons(deployment: Deployment) -> list[Line]:
    eks, cluster = deployment.aws.client("eks"), deployment.settings.cluster_name
    lines = []
    for name in deployment.aws.pages("eks", "list_addons", "addons", clusterName=cluster):
        addon = eks.describe_addon(clusterName=cluster, addonName=name)["addon"]
        issues = [each.get("message", "") for each in addon.get("health", {}).get("issues", [])]
        state = "; ".join([f"{addon['status']}, {addon['addonVersion']}", *issues])
        lines.append(judged("Add-ons", name, addon["status"], state, wrong=bool(issues)))
    return lines


def _workload(deployment: Deployment) -> list[Line]:
    seen = _inside(deployment)
    if isinstance(seen, ClusterError):
        raise seen
    return lines_of(seen.jobs, deployment.settings.workload)


def _checkpoint(deployment: Deployment) -> list[Line]:
    """The newest checkpoint that has reached the bucket."""
    bucket = names.bucket_name(deployment.settings, deployment.account)
    workload = deployment.settings.workload
    prefix = workload.results.removeprefix(f"{FSX}/") + "/"
    objects = deployment.aws.pages(
        "s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix
    )
    saved = [each for each in objects if workload.checkpoint.search(each["Key"])]
    if not saved:
        return [Line("Checkpoints", bucket, "none yet")]
    last = max(saved, key=lambda each: each["LastModified"])
    when = last["LastModified"].strftime("%Y-%m-%d %H:%M UTC")
    return [Line("Checkpoints", last["Key"], f"{len(saved)} in the bucket, newest of {when}", True)]
