"""A deployment's state and progress: from AWS, and from the cluster itself."""

from __future__ import annotations

from collections.abc import Callable

from ops.aws import Deployment
from ops.cluster.api import ClusterError, NoClusterError
from ops.parallel import LOOK_DEADLINE, side_by_side
from ops.reasons import code_of, failure_reason
from ops.status import (
    capacity_block,
    checkpoints,
    cluster,
    cost,
    data_set,
    gpus,
    node_groups,
    stacks,
    storage,
    workload,
)
from ops.status.lines import Line, missing, silent

__all__ = ["NODE_GROUPS", "STACKS", "TASKS", "WORKLOAD", "Line", "status"]

Look = Callable[[Deployment], list[Line]]
# Parts that other modules refer to.
STACKS, NODE_GROUPS, TASKS = "Stacks", "Node groups", "Data tasks"
WORKLOAD = "Workload"
# In deployment order.
_PARTS: dict[str, Look] = {
    STACKS: stacks.stacks,
    "Cluster": cluster.cluster,
    NODE_GROUPS: node_groups.node_groups,
    "Capacity Block": capacity_block.capacity_block,
    "Add-ons": cluster.addons,
    "Storage": storage.file_systems,
    "S3 links": storage.links,
    TASKS: storage.tasks,
    "Data set": data_set.exported,
    WORKLOAD: workload.workload,
    "GPUs": gpus.gpus,
    "Checkpoints": checkpoints.checkpoints,
    "Cost": cost.so_far,
}
# AWS's codes for something that does not exist.
_NOT_THERE = {"ResourceNotFoundException", "NoSuchBucket", "NotFoundException", "404"}


def status(deployment: Deployment) -> list[Line]:
    """Return the state of everything, part by part."""

    def look(part: str) -> Callable[[], list[Line]]:
        return lambda: _guarded(part, _PARTS[part], deployment)

    looked = side_by_side({part: look(part) for part in _PARTS}, LOOK_DEADLINE)
    return [
        line
        for part, lines in looked.items()
        for line in (
            lines.result()
            if lines.done()
            else [silent(part, f"no answer within {LOOK_DEADLINE:.0f} s")]
        )
    ]


def _guarded(part: str, look: Look, deployment: Deployment) -> list[Line]:
    try:
        return look(deployment)
    except NoClusterError:
        return [missing(deployment, part)]
    except ClusterError as error:
        return [silent(part, str(error))]
    except Exception as error:  # one failing part must not affect the others
        if code_of(error) in _NOT_THERE:
            return [missing(deployment, part)]
        return [silent(part, failure_reason(error))]
