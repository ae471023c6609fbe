"""What clusters and node groups name must exist; groups accept one kind of change at a time."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.local_aws.corrections import eks_updates
from rehearsal.local_aws.types.provisioner import Properties
from tests.rehearsal.local_aws.shared import ABSENT, REFUSALS, ROLE

CLUSTER = {"RoleArn": ROLE, "ResourcesVpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"]}}
GROUP = {
    "ClusterName": "cluster",
    "NodeRole": ROLE,
    "Subnets": ["subnet-1"],
    "LaunchTemplate": {"Id": "lt-1"},
}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (CLUSTER | {"RoleArn": ABSENT}, "absent not found"),
        (CLUSTER | {"ResourcesVpcConfig": {"SubnetIds": ["subnet-9"]}}, "does not exist"),
        (CLUSTER | {"ResourcesVpcConfig": {"SubnetIds": ["subnet-1"]}}, "two different AZs"),
    ],
)
def test_a_cluster_needs_what_it_names(real: Any, properties: Properties, reason: str) -> None:
    eks_updates.check_cluster(real(CLUSTER))
    with pytest.raises(REFUSALS, match=reason):
        eks_updates.check_cluster(real(properties))


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (GROUP | {"ClusterName": "other"}, "No cluster found"),
        (GROUP | {"NodeRole": ABSENT}, "absent not found"),
        (GROUP | {"Subnets": ["subnet-9"]}, "does not exist"),
        (GROUP | {"LaunchTemplate": {"Id": "lt-9"}}, "does not exist"),
    ],
)
def test_a_node_group_needs_what_it_names(real: Any, properties: Properties, reason: str) -> None:
    eks_updates.check_node_group(real(GROUP))
    with pytest.raises(REFUSALS, match=reason):
        eks_updates.check_node_group(real(properties))


NEW_NODES = [{"LaunchTemplate": {"Id": "lt-1", "Version": "2"}}, {"ReleaseVersion": "1.35.3-2"}]
NEW_SETTINGS = [
    {"Tags": {"k8s.io/cluster-autoscaler/node-template/resources/a": "4"}},
    {"NodeRepairConfig": {"Enabled": True}},
    {"ScalingConfig": {"MinSize": 0, "DesiredSize": 0, "MaxSize": 3}},
]
NAMED = GROUP | {"NodegroupName": "some-gpu-1"}


@pytest.mark.parametrize("nodes", NEW_NODES)
@pytest.mark.parametrize("settings", NEW_SETTINGS)
def test_eks_refuses_new_nodes_together_with_tags_sizes_or_repair(
    nodes: Properties, settings: Properties
) -> None:
    """https://github.com/aws/aws-cdk/issues/16644"""
    with pytest.raises(ValueError, match="cannot be combined with other updates"):
        eks_updates.refuse_combined_changes(NAMED, NAMED | nodes | settings)
    # Each one works separately, and another name is another group.
    eks_updates.refuse_combined_changes(NAMED, NAMED | nodes)
    eks_updates.refuse_combined_changes(NAMED, NAMED | settings)
    another = {"NodegroupName": "some-gpu-2"}
    eks_updates.refuse_combined_changes(NAMED, NAMED | nodes | settings | another)
