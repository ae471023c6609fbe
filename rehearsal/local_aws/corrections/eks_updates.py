"""Clusters and node groups, which the emulator has, behave as on AWS with a little help.

What they name must be there. A node group keeps the autoscaler's number and takes one kind of
change at a time. A cluster has a security group, and goes up one minor version at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import ec2, eks
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.handlers import Made, Properties, answered, first


def register() -> None:
    """Wrap the emulator's handlers of the two types."""
    node_group = _RESOURCE_HANDLERS["AWS::EKS::Nodegroup"]
    node_group["update"] = _one_kind_of_change_at_a_time(
        _keep_the_autoscalers_number(node_group["update"])
    )
    _with_all_it_names(node_group, what_a_node_group_names)
    cluster = _RESOURCE_HANDLERS["AWS::EKS::Cluster"]
    cluster["create"] = _with_a_security_group(cluster["create"])
    cluster["update"] = _one_minor_version_at_a_time(cluster["update"])
    cluster["delete"] = _without_its_security_group(cluster["delete"])
    _with_all_it_names(cluster, what_a_cluster_names)


# What EKS changes by UpdateNodegroupVersion, and by UpdateNodegroupConfig or TagResource.
_NEW_NODES = ("Version", "ReleaseVersion", "LaunchTemplate")
_SAME_NODES = ("ScalingConfig", "Labels", "Taints", "UpdateConfig", "Tags")


def _one_kind_of_change_at_a_time(original: Callable[..., Made]) -> Callable[..., Made]:
    """Wrap the emulator's node group update: EKS refuses new nodes together with new settings.

    https://github.com/aws/aws-cdk/issues/16644
    """

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        def changed(names: tuple[str, ...]) -> list[str]:
            return [name for name in names if old.get(name) != new.get(name)]

        in_place = old.get("NodegroupName") == new.get("NodegroupName")
        if in_place and changed(_NEW_NODES) and changed(_SAME_NODES):
            raise ValueError(
                "Version and ReleaseVersion updates cannot be combined with other updates "
                f"({', '.join([*changed(_NEW_NODES), *changed(_SAME_NODES)])})"
            )
        return original(physical_id, old, new, stack, logical_id)

    return update


def _with_all_it_names(type_handler: dict[str, Any], check: Callable[[Properties], None]) -> None:
    """Wrap the emulator's creation and update of a type: what it names must be there."""
    create, update = type_handler["create"], type_handler["update"]

    def checked_create(logical_id: str, properties: Properties, stack: str) -> Made:
        check(properties)
        made: Made = create(logical_id, properties, stack)
        return made

    def checked_update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        check(new)
        made: Made = update(physical_id, old, new, stack, logical_id)
        return made

    type_handler.update(create=checked_create, update=checked_update)


def what_a_cluster_names(properties: Properties) -> None:
    """Raise ValueError unless role, subnets in two zones, and security groups are there."""
    config = properties["ResourcesVpcConfig"]
    references.role(properties["RoleArn"])
    references.subnets(config["SubnetIds"])
    references.security_groups(config.get("SecurityGroupIds", []))
    if len({ec2._subnets[name]["AvailabilityZone"] for name in config["SubnetIds"]}) == 1:
        raise ValueError("Subnets specified must be in at least two different AZs")


def what_a_node_group_names(properties: Properties) -> None:
    """Raise ValueError unless cluster, role, subnets and launch template are there."""
    references.cluster(properties["ClusterName"])
    references.role(properties["NodeRole"])
    references.subnets(properties["Subnets"])
    if "LaunchTemplate" in properties:
        references.launch_template(properties["LaunchTemplate"]["Id"])


def _with_a_security_group(original: Callable[..., Made]) -> Callable[..., Made]:
    """Wrap the emulator's cluster creation: EKS makes a security group in the cluster's VPC.

    https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    """

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        physical_id, attributes = original(logical_id, properties, stack)
        config = eks._clusters[physical_id]["resourcesVpcConfig"]
        config["vpcId"] = ec2._subnets[config["subnetIds"][0]]["VpcId"]
        group = {
            "GroupName": f"eks-cluster-sg-{physical_id}",
            "GroupDescription": "EKS created security group",
            "VpcId": config["vpcId"],
        }
        answer = answered(ec2._create_security_group(group))
        config["clusterSecurityGroupId"] = first(r"<groupId>([^<]+)", answer)
        return physical_id, {
            **attributes,
            "ClusterSecurityGroupId": config["clusterSecurityGroupId"],
        }

    return create


def _without_its_security_group(original: Callable[..., None]) -> Callable[..., None]:
    """Wrap the emulator's cluster deletion: the group goes with the cluster."""

    def delete(physical_id: str, properties: Properties) -> None:
        config = eks._clusters.get(physical_id, {}).get("resourcesVpcConfig", {})
        original(physical_id, properties)
        ec2._security_groups.pop(config.get("clusterSecurityGroupId"), None)

    return delete


def _keep_the_autoscalers_number(original: Callable[..., Made]) -> Callable[..., Made]:
    """Wrap the emulator's node group update: sizes are sent only when the template's change.

    https://github.com/eksctl-io/eksctl/issues/3532
    """

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        key = f"{new['ClusterName']}/{physical_id}"
        before = dict(eks._nodegroups.get(key, {}).get("scalingConfig", {}))
        made = original(physical_id, old, new, stack, logical_id)
        if made[0] == physical_id and old.get("ScalingConfig") == new.get("ScalingConfig"):
            eks._nodegroups[key]["scalingConfig"] = before
        return made

    return update


def _one_minor_version_at_a_time(original: Callable[..., Made]) -> Callable[..., Made]:
    """Wrap the emulator's cluster update: EKS goes neither down nor up two versions at once.

    https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
    """

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        minors = [int(each["Version"].partition(".")[2]) for each in (old, new)]
        if minors[1] - minors[0] not in (0, 1):
            raise ValueError(
                f"Unsupported Kubernetes minor version update from {old['Version']} "
                f"to {new['Version']}"
            )
        return original(physical_id, old, new, stack, logical_id)

    return update
