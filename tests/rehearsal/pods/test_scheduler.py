"""The scheduler model, on cases that can be worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from rehearsal.pods.scheduler import make_node, may_run_on, place, requests

TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
M5, P3 = CORE_INSTANCE_TYPES["m5.xlarge"], GPU_INSTANCE_TYPES["p3.16xlarge"]


def pod(name: str = "pod", **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "resources": spec.pop("resources", {})}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"key": "nvidia.com/gpu", "operator": "Exists"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "nvidia.com/gpu", "operator": "Equal", "value": "present"}, True),
        ({"key": "nvidia.com/gpu", "value": "present"}, True),
        ({"key": "nvidia.com/gpu", "value": "true"}, False),
        ({"key": "nvidia.com/gpu"}, False),
        ({"operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations_work_as_in_kubernetes(toleration: dict[str, str], tolerated: bool) -> None:
    node = make_node("gpu", P3, {}, [TAINT])
    assert may_run_on(pod(tolerations=[toleration])["spec"], node) is tolerated


def test_every_selector_label_must_match() -> None:
    node = make_node("core", M5, {"NodeGroupType": "core"})
    assert may_run_on(pod(nodeSelector={"NodeGroupType": "core"})["spec"], node)
    assert not may_run_on(pod(nodeSelector={"NodeGroupType": "core", "zone": "a"})["spec"], node)


def test_a_limit_without_a_request_counts_and_init_containers_run_one_by_one() -> None:
    spec = pod(resources={"limits": {"nvidia.com/gpu": "1", "memory": "2Gi"}})["spec"]
    spec["initContainers"] = [
        {"resources": {"requests": {"memory": "3Gi"}}},
        {"resources": {"requests": {"memory": "1Gi"}}},
    ]
    assert requests(spec) == {"pods": 1, "nvidia.com/gpu": 1, "memory": 3 * 2**30}


def test_a_node_has_less_than_its_instance() -> None:
    # An m5.xlarge on EKS shows 3920m CPUs and about 14.5 GiB as allocatable.
    free = make_node("core", M5, {}).free
    assert 3.0 < free["cpu"] <= 3.92
    assert 13.0 < free["memory"] / 2**30 <= 14.6
    assert free["pods"] == 58


def test_pods_fill_one_node_and_then_the_next() -> None:
    nodes = [make_node(f"gpu-{n}", P3, {}) for n in (1, 2)]
    pods = [
        pod(f"w{n}", resources={"limits": {"nvidia.com/gpu": "1"}, "requests": {"cpu": "7"}})
        for n in range(17)
    ]
    homes = list(place(pods, nodes).values())
    assert homes == ["gpu-1"] * 8 + ["gpu-2"] * 8 + [None]


def test_a_node_has_huge_pages_with_its_efas_and_less_memory_for_others() -> None:
    p4d = GPU_INSTANCE_TYPES["p4d.24xlarge"]
    plain, efa = make_node("a", p4d, {}).free, make_node("b", p4d, {}, efas=4).free
    assert (plain["vpc.amazonaws.com/efa"], efa["vpc.amazonaws.com/efa"]) == (0, 4)
    assert plain["hugepages-2Mi"] == 0
    # As kubectl shows for a p4de with EFA.
    assert efa["hugepages-2Mi"] == 21_122 * 2**20
    assert plain["memory"] - efa["memory"] == efa["hugepages-2Mi"]
