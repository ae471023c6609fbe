"""`verify --network` on the command line: shows the price, asks, and leaves a run alone."""

from __future__ import annotations

from kubernetes import client as kubernetes

from tests.ops.cluster_api import PODS, Cluster
from tests.ops.commands.command_line import Line
from tests.ops.status.deployments import standing


def test_it_shows_its_cost_and_starts_nothing_without_consent(
    line: Line, api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.lists[PODS] = []
    done = line(standing(api.configuration.host), "verify", "--network", answer="n\n")
    assert done.exit_code == 1
    assert "2 x p4d.24xlarge: $" in done.stderr
    assert "Nothing was started." in done.stderr
    assert not cluster.made


def test_it_leaves_a_training_alone(
    line: Line, api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    done = line(standing(api.configuration.host), "verify", "--network", "--yes")
    assert done.exit_code == 2
    assert "16 Running" in done.stdout
    assert not cluster.made


def test_with_json_it_needs_yes(line: Line) -> None:
    done = line({}, "verify", "--network", "--json")
    assert done.exit_code == 2
    assert "--yes" in done.stderr
