"""A node group in a Capacity Block meets EKS's requirements, or is refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from rehearsal.local_aws import private
from rehearsal.local_aws.corrections import capacity_blocks
from rehearsal.local_aws.types.provisioner import Properties
from tests.rehearsal.local_aws.shared import ROLE

DATA = {
    "InstanceType": "p5en.48xlarge",
    "InstanceMarketOptions": {"MarketType": "capacity-block"},
    "CapacityReservationSpecification": {
        "CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}
    },
}
GROUP = {
    "ClusterName": "cluster",
    "NodegroupName": "gpu",
    "NodeRole": ROLE,
    "Subnets": ["subnet-1"],
    "CapacityType": "CAPACITY_BLOCK",
    "LaunchTemplate": {"Id": "lt-1", "Version": "1"},
}


@pytest.fixture
def template(real: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The content of the launch template, for each test to change."""
    (name,) = real({"Id": "lt-1"}).values()
    data = deepcopy(DATA)
    version = {"VersionNumber": 1, "LaunchTemplateData": data}
    monkeypatch.setitem(private.LAUNCH_TEMPLATES.value, name, {"Versions": [version]})
    return data


def test_a_group_that_meets_the_requirements_is_accepted(
    real: Any, template: dict[str, Any]
) -> None:
    capacity_blocks.check_block(real(GROUP))


@pytest.mark.parametrize("missing", list(DATA))
def test_an_incomplete_launch_template_is_refused(
    real: Any, template: dict[str, Any], missing: str
) -> None:
    del template[missing]
    with pytest.raises(ValueError, match="must specify"):
        capacity_blocks.check_block(real(GROUP))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"InstanceTypes": ["p5en.48xlarge"]}, "instance types"),
        ({"Subnets": ["subnet-1", "subnet-2"]}, "Availability Zone"),
    ],
)
def test_what_a_block_excludes_is_refused(
    real: Any, template: dict[str, Any], change: Properties, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        capacity_blocks.check_block(real(GROUP | change))


def test_a_placement_group_is_refused(real: Any, template: dict[str, Any]) -> None:
    template["Placement"] = {"GroupName": "g"}
    with pytest.raises(ValueError, match="placement group"):
        capacity_blocks.check_block(real(GROUP))


@pytest.mark.parametrize("nodes", [0, 2])
def test_new_nodes_are_accepted_only_at_a_size_of_0(
    real: Any, template: dict[str, Any], nodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = {"scalingConfig": {"desiredSize": nodes}}
    monkeypatch.setitem(private.NODE_GROUPS.value, "cluster/gpu", group)
    updated: list[str] = []

    def update(physical_id: str, *more: Any) -> Any:
        updated.append(physical_id)
        return physical_id, {}

    old, new = real(GROUP | {"Version": "1.34"}), real(GROUP | {"Version": "1.35"})
    if nodes:
        with pytest.raises(ValueError, match="2 nodes"):
            capacity_blocks._update(update, "gpu", old, new)
    else:
        capacity_blocks._update(update, "gpu", old, new)
    assert updated == ([] if nodes else ["gpu"])
