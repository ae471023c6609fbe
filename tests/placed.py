"""A deployment's node groups and Kubernetes objects, for the rehearsal's model of the scheduler."""

from __future__ import annotations

from typing import Any

from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.pods.view import EFFECTS, NodeGroupView, efas_of


def objects(deployment: Any) -> list[dict[str, Any]]:
    """The Kubernetes objects that the Addons and Workload stacks apply."""
    return [*deployment.kubernetes_objects("Addons"), *deployment.kubernetes_objects("Workload")]


def groups(deployment: Any) -> list[NodeGroupView]:
    """The node groups in the templates."""
    types = {**CORE_INSTANCE_TYPES, **GPU_INSTANCE_TYPES}
    found = []
    for each in deployment.resources("Cluster", "AWS::EKS::Nodegroup").values():
        properties = each["Properties"]
        template = _launch_template(deployment, each)
        # In a Capacity Block the launch template has the type.
        instance_types = properties.get("InstanceTypes") or [template["InstanceType"]]
        sizes, labels = properties["ScalingConfig"], properties["Labels"]
        taints = [
            {key.lower(): value for key, value in taint.items()}
            for taint in properties.get("Taints", [])
        ]
        found.append(
            NodeGroupView(
                name=labels["NodeGroupType"],
                instance_types=tuple(instance_types),
                now=sizes["DesiredSize"],
                most=sizes["MaxSize"],
                gpus=types[instance_types[0]].gpus,
                labels=labels,
                taints=[{**each, "effect": EFFECTS[each["effect"]]} for each in taints],
                efas=efas_of(template),
            )
        )
    return found


def _launch_template(deployment: Any, group: dict[str, Any]) -> dict[str, Any]:
    template = deployment.json("Cluster")["Resources"][
        group["Properties"]["LaunchTemplate"]["Id"]["Ref"]
    ]
    return dict(template["Properties"]["LaunchTemplateData"])


def ledger_of(deployment: Any) -> Ledger:
    """The rehearsal's ledger with these objects."""
    return Ledger(
        deployment.settings.kubernetes_version,
        objects={
            f"{each['kind']}/{each['metadata']['name']}": each for each in objects(deployment)
        },
    )
