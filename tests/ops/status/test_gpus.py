"""Which jobs hold the GPUs, by namespace."""

from __future__ import annotations

import pytest
from kubernetes import client as kubernetes

from ops.status import status
from tests.ops.cluster_api import ALL_PODS, NODES, Cluster, pod, worker
from tests.ops.status.deployments import standing
from tests.simulated.accounts import simulated_deployment


def gpu_lines(api: kubernetes.ApiClient) -> list[tuple[str, str]]:
    lines = status(simulated_deployment({}, standing(api.configuration.host)))
    return [(line.name, line.state) for line in lines if line.part == "GPUs"]


def test_the_gpus_of_a_jobs_pods_are_added_up(api: kubernetes.ApiClient) -> None:
    assert gpu_lines(api) == [("default/esm1nv-pretraining", "holds 16")]


def test_jobs_that_wait_for_gpus_are_named_with_those_that_hold_them(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    theirs = {"training.kubeflow.org/job-name": "fold"}
    cluster.lists[ALL_PODS] = [
        *(pod(f"fold-worker-{n}", theirs, namespace="team-a", node="g", gpus=4) for n in range(3)),
        *(worker(n, node="gpu-0", gpus=1) for n in range(4)),
        *(worker(n, "Pending", gpus=1) for n in range(4, 16)),
        pod("notebook", {}, namespace="team-b", node="gpu-1", gpus=2),
    ]
    assert gpu_lines(api) == [
        ("default/esm1nv-pretraining", "holds 4, waits for 12"),
        ("team-a/fold", "holds 12"),
        ("team-b/notebook", "holds 2"),
    ]


def test_a_finished_pod_holds_no_gpu(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    cluster.lists[ALL_PODS] = [
        pod("a", {}, "Succeeded", node="gpu-0", gpus=8),
        pod("b", {}, "Failed", node="gpu-0", gpus=8),
    ]
    assert gpu_lines(api) == []


def test_without_permission_to_list_pods_the_rest_is_still_reported(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.refusals["GET", ALL_PODS] = (403, "forbidden")
    ((_, state),) = gpu_lines(api)
    assert "all namespaces" in state
    lines = status(simulated_deployment({}, standing(api.configuration.host)))
    assert any(line.part == "Workload" and line.good for line in lines)


@pytest.mark.parametrize("refused", [401, 500])
def test_a_cluster_that_does_not_answer_has_no_line_on_gpus(
    api: kubernetes.ApiClient, cluster: Cluster, refused: int
) -> None:
    cluster.refused = refused
    assert gpu_lines(api) == []


def test_nodes_that_cannot_be_listed_hide_no_gpu_holder(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.refusals["GET", NODES] = (403, "forbidden")
    assert gpu_lines(api) == [("default/esm1nv-pretraining", "holds 16")]
