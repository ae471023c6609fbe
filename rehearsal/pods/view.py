"""The cluster as its users would see it: nodes, and where each pod would run.

The pods are those of the ledger's Deployments and Jobs, and the workers that the training operator
would create for each PyTorchJob once it is not suspended. The pods of charts and EKS add-ons are
unknown without their images; `scheduler.make_node` reserves room for them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bionemo_eks.configuration.instance_types import (
    CORE_INSTANCE_TYPES,
    GPU_INSTANCE_TYPES,
    InstanceType,
    smallest,
)
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.pods.scheduler import Node, make_node, place
from rehearsal.pods.training_operator import worker_pods

_INSTANCE_TYPES = {**CORE_INSTANCE_TYPES, **GPU_INSTANCE_TYPES}
# EKS and Kubernetes spell effects differently.
EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}


@dataclass(frozen=True)
class NodeGroupView:
    """A managed node group: its types, nodes now, and nodes at most.

    `gpus` and `efas`: per node.
    """

    name: str
    instance_types: tuple[str, ...]
    now: int
    most: int
    gpus: int
    labels: dict[str, str]
    taints: list[dict[str, str]]
    efas: int = 0

    @property
    def training(self) -> int:
        """Nodes during the training: core nodes as now, the most GPU nodes."""
        return self.most if self.gpus else self.now


def node_groups(client: Callable[[str], Any], cluster: str) -> list[NodeGroupView]:
    """Return the node groups in the local AWS, core first."""
    eks = client("eks")
    groups = []
    for name in eks.list_nodegroups(clusterName=cluster)["nodegroups"]:
        found = eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
        template = _template(client, found)
        types = tuple(found.get("instanceTypes") or [template["InstanceType"]])
        instance = _instance(types)
        groups.append(
            NodeGroupView(
                name=found["labels"]["NodeGroupType"],
                instance_types=types,
                now=found["scalingConfig"]["desiredSize"],
                most=found["scalingConfig"]["maxSize"],
                gpus=instance.gpus,
                labels=found["labels"],
                taints=[{**each, "effect": EFFECTS[each["effect"]]} for each in found["taints"]],
                efas=efas_of(template),
            )
        )
    return sorted(groups, key=lambda each: each.gpus)


def _template(client: Callable[[str], Any], group: dict[str, Any]) -> dict[str, Any]:
    """Return a group's launch template; for a Capacity Block it also has the type."""
    named = group["launchTemplate"]
    (version,) = client("ec2").describe_launch_template_versions(
        LaunchTemplateId=named["id"], Versions=[str(named["version"])]
    )["LaunchTemplateVersions"]
    data: dict[str, Any] = version["LaunchTemplateData"]
    return data


def efas_of(template: Mapping[str, Any]) -> int:
    """Return how many of the interfaces in a launch template are EFAs."""
    kinds = [str(each["InterfaceType"]) for each in template.get("NetworkInterfaces", [])]
    return sum(kind.startswith("efa") for kind in kinds)


def nodes(groups: Iterable[NodeGroupView]) -> list[Node]:
    """Return the nodes during the training."""
    return [
        make_node(
            f"{group.name}-{number}",
            _instance(group.instance_types),
            group.labels,
            group.taints,
            group.efas,
        )
        for group in groups
        for number in range(1, group.training + 1)
    ]


def _instance(types: Sequence[str]) -> InstanceType:
    """Return the smallest of a group's instance types."""
    return smallest([_INSTANCE_TYPES[name] for name in types])


def core_pods(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the pods of Deployments and Jobs, as their controllers would name them."""
    found = []
    for item in ledger.objects.values():
        if item["kind"] in ("Deployment", "Job"):
            replicas = item["spec"].get("replicas", item["spec"].get("parallelism", 1))
            found += [_pod(item, index) for index in range(replicas)]
    return found


def _pod(item: dict[str, Any], index: int) -> dict[str, Any]:
    pod: dict[str, Any] = copy.deepcopy(item["spec"]["template"])
    pod.setdefault("metadata", {})["name"] = f"{item['metadata']['name']}-{index}"
    return pod


def workers(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the worker pods of every PyTorchJob."""
    jobs = [item for item in ledger.objects.values() if item["kind"] == "PyTorchJob"]
    return [pod for job in jobs for pod in worker_pods(job)]


def placements(
    ledger: Ledger, groups: Iterable[NodeGroupView]
) -> list[tuple[dict[str, Any], str | None]]:
    """Return each pod with its node, or None if it fits none."""
    pods = [*core_pods(ledger), *workers(ledger)]
    placed = place(pods, nodes(groups))
    return [(pod, placed[pod["metadata"]["name"]]) for pod in pods]
