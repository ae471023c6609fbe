"""NVIDIA's device plugin: each part runs on the right nodes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from bionemo_eks.addons.device_plugin import add_device_plugin, device_plugin_values
from bionemo_eks.cluster.node_group import NodePool
from bionemo_eks.cluster.node_pools import core_pool, gpu_pool
from rehearsal.pods.scheduler import make_node, may_run_on
from tests.constructs.bare import bare_stack, only, some_cluster
from tests.context import read_settings

SETTINGS = read_settings({})
POOLS = {"core": core_pool(SETTINGS, {}, ()), "gpu": gpu_pool(SETTINGS, {}, ())}


def node(kind: str) -> Any:
    pool: NodePool = POOLS[kind]
    instance = {"core": SETTINGS.core_instance, "gpu": SETTINGS.gpu_instance}[kind]
    taints = [pool.taint] if pool.taint else []
    return make_node(
        kind,
        instance,
        pool.labels,
        [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in taints],
    )


def allowed(values: dict[str, Any]) -> set[str]:
    """Return the kinds of node that pods with these chart values may run on."""
    spec = {key: each for key, each in values.items() if key in ("nodeSelector", "tolerations")}
    return {kind for kind in POOLS if may_run_on(spec, node(kind))}


def part(*path: str) -> dict[str, Any]:
    values = device_plugin_values()
    for each in path:
        values = values[each]
    return values


@pytest.mark.parametrize("path", [(), ("nfd", "worker")], ids=["plugin and GFD", "NFD's worker"])
def test_its_daemon_sets_run_on_gpu_nodes_only(path: tuple[str, ...]) -> None:
    assert allowed(part(*path)) == {"gpu"}


@pytest.mark.parametrize("controller", ["master", "gc"])
def test_nfds_controllers_stay_on_core_nodes(controller: str) -> None:
    assert allowed(part("nfd", controller)) == {"core"}


def test_a_gpu_node_has_the_label_that_the_charts_own_affinity_asks_for() -> None:
    """One of three, and the others come from NFD, which may start later.

    https://github.com/NVIDIA/k8s-device-plugin/blob/main/deployments/helm/nvidia-device-plugin/values.yaml
    """
    assert POOLS["gpu"].labels["nvidia.com/gpu.present"] == "true"


def test_nodes_are_labeled_with_their_gpus_properties() -> None:
    assert part("gfd")["enabled"] is True


def test_an_unhealthy_gpu_node_blocks_no_update() -> None:
    """helm would wait for the DaemonSets' pods on every GPU node, in a rollback too."""
    stack = bare_stack()
    add_device_plugin(some_cluster(stack))
    chart = only(Template.from_stack(stack), "Custom::AWSCDK-EKS-HelmChart")
    assert chart.get("Wait", False) is False
    assert json.loads(chart["Values"]) == device_plugin_values()
