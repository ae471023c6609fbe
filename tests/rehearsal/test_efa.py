"""EFA is added to an existing deployment, and removed again: with the real CDK CLI."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.pods.scheduler import requests
from rehearsal.pods.view import node_groups, placements, workers

pytestmark = pytest.mark.rehearsal

ESM2 = {"training.workload": "esm2", "gpu.instance_type": "p5.48xlarge"}
PLUGIN = "aws-efa-k8s-device-plugin"


@pytest.fixture(scope="module")
def standing(account: Any) -> Any:
    """Return the account with a deployment of ESM-2 without EFA."""
    account.deploy({**ESM2, "gpu.efa": "off"})
    return account


def test_adding_it_replaces_the_group_and_keeps_what_lasts(standing: Any) -> None:
    lasting, before = standing.lasting(), standing.node_group("gpu")
    assert PLUGIN not in standing.ledger.charts
    standing.deploy(ESM2)
    assert PLUGIN in standing.ledger.charts
    assert standing.node_group("gpu")["nodegroupName"] != before["nodegroupName"]
    assert standing.lasting() == lasting
    groups = node_groups(standing.client, "bionemo-on-eks")
    assert [each.efas for each in groups] == [0, 32]
    homes = {pod["metadata"]["name"]: home for pod, home in placements(standing.ledger, groups)}
    for pod in workers(standing.ledger):
        assert requests(pod["spec"])["vpc.amazonaws.com/efa"] == 32
        assert str(homes[pod["metadata"]["name"]]).startswith("gpu-")


def test_removing_it_leaves_nothing_of_it(standing: Any) -> None:
    standing.deploy({**ESM2, "gpu.efa": "off"})
    assert PLUGIN not in standing.ledger.charts
    groups = standing.client("ec2").describe_security_groups()["SecurityGroups"]
    assert not [each for each in groups if "EFA" in each["Description"]]
    placed = placements(standing.ledger, node_groups(standing.client, "bionemo-on-eks"))
    assert all(home for _, home in placed)
