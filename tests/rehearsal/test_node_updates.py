"""A deployment without user data and node repair gets both: with the real CDK CLI."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks

from rehearsal.pods.view import node_groups, placements
from rehearsal.programs.cdk_cli import CdkError

pytestmark = pytest.mark.rehearsal

OLD_NAME = "bionemo-on-eks-gpu-c0c07ba3"


def group_of(app: App) -> eks.CfnNodegroup:
    cluster: Any = app.node.find_child("Cluster")
    group: eks.CfnNodegroup = cluster.gpu.group.node.default_child
    return group


def keep_the_name(app: App) -> None:
    """Keep the group's old name, as if repair were not part of it."""
    group_of(app).add_property_override("NodegroupName", OLD_NAME)


def as_it_was(app: App) -> None:
    """Create the GPU group as the previous version did."""
    keep_the_name(app)
    group_of(app).add_property_deletion_override("NodeRepairConfig")
    cluster: Any = app.node.find_child("Cluster")
    template: ec2.CfnLaunchTemplate = cluster.gpu.node.find_child("LaunchTemplate")
    template.add_property_deletion_override("LaunchTemplateData.UserData")


@pytest.fixture(scope="module")
def older(account: Any) -> Any:
    """Return the account with an older deployment, whose training uses two nodes."""
    account.deploy({}, as_it_was)
    account.client("eks").update_nodegroup_config(
        clusterName="bionemo-on-eks",
        nodegroupName=OLD_NAME,
        scalingConfig={"minSize": 0, "maxSize": 2, "desiredSize": 2},
    )
    return account


def test_in_place_it_is_refused_and_the_old_group_stays(older: Any) -> None:
    before = older.node_group("gpu")
    with pytest.raises(CdkError, match="cannot be combined with other updates"):
        older.deploy({}, keep_the_name)
    after = older.node_group("gpu")
    assert (after["nodegroupName"], after["scalingConfig"]) == (OLD_NAME, before["scalingConfig"])


def test_another_group_replaces_it_without_starting_nodes(older: Any) -> None:
    lasting = older.lasting()
    older.deploy({})
    group = older.node_group("gpu")
    names = older.client("eks").list_nodegroups(clusterName="bionemo-on-eks")["nodegroups"]
    assert OLD_NAME not in names
    assert len(names) == 2
    # The quota may not allow more nodes than the old group has: the autoscaler requests new ones
    # when the pods exist.
    assert group["scalingConfig"] == {"minSize": 0, "maxSize": 2, "desiredSize": 0}
    assert older.lasting() == lasting
    placed = placements(older.ledger, node_groups(older.client, "bionemo-on-eks"))
    assert all(node for _, node in placed)
