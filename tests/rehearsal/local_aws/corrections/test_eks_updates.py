"""A cluster and a node group need what they name."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.local_aws.corrections import eks_updates
from rehearsal.local_aws.types.provisioner import Properties
from tests.rehearsal.local_aws.things import ABSENT, REFUSALS, ROLE

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
    eks_updates.what_a_cluster_names(real(CLUSTER))
    with pytest.raises(REFUSALS, match=reason):
        eks_updates.what_a_cluster_names(real(properties))


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
    eks_updates.what_a_node_group_names(real(GROUP))
    with pytest.raises(REFUSALS, match=reason):
        eks_updates.what_a_node_group_names(real(properties))
