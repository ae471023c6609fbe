"""AWS's device plugin for EFA runs on GPU nodes only."""

from __future__ import annotations

import json

from aws_cdk.assertions import Template

from bionemo_eks.addons.efa_plugin import add_efa_plugin, efa_plugin_values
from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from bionemo_eks.configuration.scheduling import CORE_LABELS, GPU_LABELS, GPU_TAINT
from rehearsal.pods.scheduler import make_node, may_run_on
from tests.constructs.bare import bare_stack, only, some_cluster


def test_its_daemon_set_runs_on_gpu_nodes_only() -> None:
    taint = {"key": GPU_TAINT[0], "value": GPU_TAINT[1], "effect": "NoSchedule"}
    gpu = make_node("gpu", GPU_INSTANCE_TYPES["p5.48xlarge"], GPU_LABELS, [taint], 32)
    core = make_node("core", CORE_INSTANCE_TYPES["m5.xlarge"], CORE_LABELS)
    assert may_run_on(efa_plugin_values(), gpu)
    assert not may_run_on(efa_plugin_values(), core)


def test_an_unhealthy_gpu_node_blocks_no_update() -> None:
    stack = bare_stack()
    add_efa_plugin(some_cluster(stack))
    chart = only(Template.from_stack(stack), "Custom::AWSCDK-EKS-HelmChart")
    assert chart.get("Wait", False) is False
    assert json.loads(chart["Values"]) == efa_plugin_values()
