"""Kubernetes is upgraded by one minor version, and never downgraded: with the real CDK CLI."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from rehearsal.programs.cdk_cli import CdkError

pytestmark = pytest.mark.rehearsal

LASTING_TOO = ("AWS::EKS::Nodegroup", "AWS::EKS::Addon")
Event = dict[str, Any]


class Upgrade(NamedTuple):
    """The state before the update to 1.35, and the update's events."""

    lasting: dict[str, str]
    layers: dict[str, str]
    jobs: set[str]
    cluster_events: list[Event]
    addons_events: list[Event]


def jobs_of(account: Any) -> set[str]:
    return {key for key in account.ledger.objects if key.startswith("Job/")}


@pytest.fixture(scope="module")
def upgrade(account: Any) -> Upgrade:
    """Update from 1.34 to 1.35, and return its results."""
    account.deploy({"kubernetes_version": "1.34"})
    lasting = account.lasting(*LASTING_TOO)
    layers, jobs = account.physical_ids("AWS::Lambda::LayerVersion"), jobs_of(account)
    account.deploy({"kubernetes_version": "1.35"})
    return Upgrade(lasting, layers, jobs, account.events("cluster"), account.events("addons"))


def test_everything_is_upgraded_and_nothing_is_replaced(account: Any, upgrade: Upgrade) -> None:
    eks = account.client("eks")
    assert eks.describe_cluster(name="bionemo-on-eks")["cluster"]["version"] == "1.35"
    assert {account.node_group(kind)["version"] for kind in ("core", "gpu")} == {"1.35"}
    assert account.lasting(*LASTING_TOO) == upgrade.lasting
    for name in eks.list_addons(clusterName="bionemo-on-eks")["addons"]:
        addon = eks.describe_addon(clusterName="bionemo-on-eks", addonName=name)["addon"]
        assert addon["addonVersion"] == KUBERNETES_RELEASES["1.35"].addons[name]


def test_the_training_continues(account: Any, upgrade: Upgrade) -> None:
    """A new launcher would start it again, even if it has finished."""
    assert jobs_of(account) == upgrade.jobs


def test_kubectl_is_upgraded_too(account: Any, upgrade: Upgrade) -> None:
    """It may differ from the cluster by one minor version."""
    changed = {
        name.partition("/")[2]
        for name, layer in account.physical_ids("AWS::Lambda::LayerVersion").items()
        if upgrade.layers[name] != layer
    }
    assert any("Kubectl" in name for name in changed)


def test_the_control_plane_is_upgraded_before_the_nodes_and_these_before_other_addons(
    upgrade: Upgrade,
) -> None:
    """EKS allows nodes older than the control plane, never newer ones."""

    def numbers(kind: str, status: str) -> list[int]:
        return [
            number
            for number, each in enumerate(upgrade.cluster_events)
            if each["ResourceType"] == kind and each["ResourceStatus"] == status
        ]

    (cluster,) = numbers("AWS::EKS::Cluster", "UPDATE_COMPLETE")
    groups = numbers("AWS::EKS::Nodegroup", "UPDATE_IN_PROGRESS")
    assert len(groups) == 2
    assert cluster < min(groups)
    nodes_up = upgrade.cluster_events[-1]["Timestamp"]
    assert upgrade.addons_events[0]["Timestamp"] >= nodes_up


@pytest.mark.usefixtures("upgrade")
def test_it_is_not_downgraded(account: Any) -> None:
    with pytest.raises(CdkError, match=r"1\.35 to 1\.34"):
        account.deploy({"kubernetes_version": "1.34"})
    eks = account.client("eks")
    assert eks.describe_cluster(name="bionemo-on-eks")["cluster"]["version"] == "1.35"
