"""Which pods run on which nodes."""

from __future__ import annotations

import pytest

from bionemo_eks.configuration.scheduling import (
    CORE_LABELS,
    CORE_SELECTOR,
    GPU_LABELS,
    GPU_SELECTOR,
    GPU_TAINT,
    GPU_TOLERATION,
)
from rehearsal.pods.scheduler import Node, may_run_on

TAINT = {"key": GPU_TAINT[0], "value": GPU_TAINT[1], "effect": "NoSchedule"}
NODES = {
    "core": Node("core", CORE_LABELS, [], {}),
    "gpu": Node("gpu", GPU_LABELS, [TAINT], {}),
}
TOLERATES = {"tolerations": [GPU_TOLERATION]}


@pytest.mark.parametrize(
    ("pod", "nodes"),
    [
        ({}, {"core"}),
        ({"nodeSelector": CORE_SELECTOR}, {"core"}),
        ({"nodeSelector": GPU_SELECTOR}, set()),
        (TOLERATES, {"core", "gpu"}),
        ({**TOLERATES, "nodeSelector": CORE_SELECTOR}, {"core"}),
        ({**TOLERATES, "nodeSelector": GPU_SELECTOR}, {"gpu"}),
    ],
    ids=["any", "core", "gpu, not tolerant", "tolerant", "tolerant, core", "tolerant, gpu"],
)
def test_a_pod_runs_where_it_asks_to_and_on_gpu_nodes_only_if_it_tolerates_them(
    pod: dict[str, object], nodes: set[str]
) -> None:
    assert {kind for kind, node in NODES.items() if may_run_on(pod, node)} == nodes


def test_nfds_worker_tolerates_the_taint_by_default() -> None:
    """It names the value, which the blueprint's taint had not.

    https://github.com/NVIDIA/k8s-device-plugin/blob/main/deployments/helm/nvidia-device-plugin/values.yaml
    """
    default = {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present"}
    pod = {"tolerations": [{**default, "effect": "NoSchedule"}]}
    assert may_run_on(pod, NODES["gpu"])
