"""Makes the emulator's clusters and node groups behave as on AWS.

The resources that they refer to must exist. A node group keeps the size that the autoscaler set,
and accepts one kind of change at a time. A cluster has a security group, and is upgraded by one
minor version at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ops.reasons import NO_API_IN_A_REHEARSAL
from rehearsal.local_aws import private
from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.provisioner import Made, Properties

_CLUSTER, _NODE_GROUP = "AWS::EKS::Cluster", "AWS::EKS::Nodegroup"
# What EKS changes with UpdateNodegroupVersion, and with UpdateNodegroupConfig or TagResource:
# https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html
# https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html
NEW_NODES = ("Version", "ReleaseVersion", "LaunchTemplate")
_SAME_NODES = ("ScalingConfig", "Labels", "Taints", "UpdateConfig", "NodeRepairConfig", "Tags")


def register() -> None:
    """Wrap the emulator's handlers of the two types; the last wrapper runs first."""
    private.CLUSTER_ENDPOINT.wrap(lambda original, port: NO_API_IN_A_REHEARSAL)
    private.wrap_type(_NODE_GROUP, "create", _make_node_group)
    private.wrap_type(_NODE_GROUP, "update", _keep_the_autoscalers_number)
    private.wrap_type(_NODE_GROUP, "update", _check_node_group_update)
    private.wrap_type(_CLUSTER, "create", _make_cluster)
    private.wrap_type(_CLUSTER, "update", _check_cluster_update)
    private.wrap_type(_CLUSTER, "delete", _delete_cluster)


def check_cluster(properties: Properties) -> None:
    """Raise an error unless the role, the security groups, and subnets in two zones exist."""
    config = properties["ResourcesVpcConfig"]
    references.role(properties["RoleArn"])
    zones = references.subnets(config["SubnetIds"])
    references.security_groups(config.get("SecurityGroupIds", []))
    if len(zones) == 1:
        raise ValueError("Subnets specified must be in at least two different AZs")


def check_node_group(properties: Properties) -> None:
    """Raise an error unless cluster, role, subnets and launch template exist."""
    references.cluster_version(properties["ClusterName"])
    references.role(properties["NodeRole"])
    references.subnets(properties["Subnets"])
    if "LaunchTemplate" in properties:
        references.launch_template(properties["LaunchTemplate"]["Id"])


def _make_node_group(
    create: Callable[..., Made], logical_id: str, properties: Properties, stack: str
) -> Made:
    check_node_group(properties)
    return create(logical_id, properties, stack)


def _check_node_group_update(
    update: Callable[..., Made], physical_id: str, old: Properties, new: Properties, *where: str
) -> Made:
    check_node_group(new)
    refuse_combined_changes(old, new)
    return update(physical_id, old, new, *where)


def refuse_combined_changes(old: Properties, new: Properties) -> None:
    """Raise an error if a node group would get new nodes together with new settings.

    EKS refuses both in one update; a group with a new name is a new group:
    https://github.com/aws/aws-cdk/issues/16644
    """

    def changed(names: tuple[str, ...]) -> list[str]:
        return [name for name in names if old.get(name) != new.get(name)]

    in_place = old.get("NodegroupName") == new.get("NodegroupName")
    if in_place and changed(NEW_NODES) and changed(_SAME_NODES):
        raise ValueError(
            "Version and ReleaseVersion updates cannot be combined with other updates "
            f"({', '.join([*changed(NEW_NODES), *changed(_SAME_NODES)])})"
        )


def _keep_the_autoscalers_number(
    update: Callable[..., Made], physical_id: str, old: Properties, new: Properties, *where: str
) -> Made:
    """CloudFormation sends the sizes only if they change in the template.

    https://github.com/eksctl-io/eksctl/issues/3532
    """
    groups, key = private.NODE_GROUPS.value, f"{new['ClusterName']}/{physical_id}"
    before = dict(groups.get(key, {}).get("scalingConfig", {}))
    made = update(physical_id, old, new, *where)
    if made[0] == physical_id and old.get("ScalingConfig") == new.get("ScalingConfig"):
        groups[key]["scalingConfig"] = before
    return made


def _make_cluster(
    create: Callable[..., Made], logical_id: str, properties: Properties, stack: str
) -> Made:
    """EKS creates a security group in the cluster's VPC.

    https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    """
    check_cluster(properties)
    physical_id, attributes = create(logical_id, properties, stack)
    ec2, config = client("ec2"), _vpc_config(physical_id)
    (subnet, *_) = ec2.describe_subnets(SubnetIds=config["subnetIds"])["Subnets"]
    config["vpcId"] = subnet["VpcId"]
    group = ec2.create_security_group(
        GroupName=f"eks-cluster-sg-{physical_id}",
        Description="EKS created security group",
        VpcId=subnet["VpcId"],
    )["GroupId"]
    config["clusterSecurityGroupId"] = group
    return physical_id, {**attributes, "ClusterSecurityGroupId": group}


def _vpc_config(cluster: str) -> dict[str, Any]:
    config: dict[str, Any] = private.CLUSTERS.value.get(cluster, {}).get("resourcesVpcConfig", {})
    return config


def _check_cluster_update(
    update: Callable[..., Made], physical_id: str, old: Properties, new: Properties, *where: str
) -> Made:
    """EKS neither downgrades nor skips versions.

    https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
    """
    check_cluster(new)
    minors = [int(each["Version"].partition(".")[2]) for each in (old, new)]
    if minors[1] - minors[0] not in (0, 1):
        raise ValueError(
            f"Unsupported Kubernetes minor version update from {old['Version']} to {new['Version']}"
        )
    return update(physical_id, old, new, *where)


def _delete_cluster(delete: Callable[..., None], physical_id: str, properties: Properties) -> None:
    """Delete the security group with its cluster."""
    group = _vpc_config(physical_id).get("clusterSecurityGroupId")
    delete(physical_id, properties)
    if group:
        client("ec2").delete_security_group(GroupId=group)
