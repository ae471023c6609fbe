"""verify against a cluster's API: what passes, fails by name, or is unknown."""

from __future__ import annotations

import io
from typing import Any

import pytest
from kubernetes import client as kubernetes
from rich.console import Console

from ops.results import Result, Verdict
from ops.show.checks import show_results
from ops.verify import verify
from tests.ops.cluster_api import (
    CLAIMS,
    CONTROLLERS,
    CORE,
    DAEMONS,
    GPU,
    NODES,
    OPERATOR,
    PLUGINS,
    PODS,
    Cluster,
    node,
    pod,
    workload,
)
from tests.ops.reading import commands, figures, in_order
from tests.simulated.accounts import simulated_deployment
from tests.simulated.answers import OWN
from tests.simulated.capacity import running

CORES = [node(f"core-{n}", CORE) for n in range(3)]


def instance(group: str = "bionemo-on-eks-gpu-p4d-24xlarge", *tags: dict[str, str]) -> Any:
    name = {"Key": "eks:nodegroup-name", "Value": group}
    return {"InstanceType": "p4d.24xlarge", "Tags": [name, *(tags or (OWN,))]}


def results_of(api: kubernetes.ApiClient, paid: int = 2) -> dict[str, Result]:
    others = [
        instance("bionemo-on-eks-core-1"),
        instance("bionemo-on-eks-gpu-p4d", {"Key": "a", "Value": "b"}),
    ]
    answers: Any = {"ec2.describe_instances": running(*others, *[instance()] * paid)}
    return {each.name: each for each in verify(api, simulated_deployment({}, answers))}


def test_a_healthy_cluster_passes_everything(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    results = results_of(api)
    assert {each.verdict for each in results.values()} == {Verdict.PASS}, results
    assert figures(results["GPUs"].said) == [16, 2], "GPUs, nodes"
    assert cluster.dry_runs == ["All", "All"], "dry runs only"
    data, gpu = (each["spec"] for each in cluster.made)
    assert data["volumes"] == [
        {"name": "fsx", "persistentVolumeClaim": {"claimName": "fsx-static-pvc"}}
    ]
    assert gpu["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}


@pytest.mark.parametrize(
    ("path", "items", "name", "named"),
    [
        (NODES, [node("core-1", CORE, ready=False)], "Nodes", ["core-1"]),
        (NODES, [node("core-1", CORE)], "Nodes", ["1", "3"]),
        (
            NODES,
            [*CORES[:2], node("core-2", CORE, cordoned=True)],
            "Nodes",
            ["2", "core-2", "3"],
        ),
        (NODES, [*CORES, node("gpu-1", GPU, gpus=7)], "GPUs", ["7", "16"]),
        (NODES, [node("gpu-9", GPU, gpus=8)], "Device plugin", ["gpu-9"]),
        (OPERATOR, [], "Training operator", ["kubeflow"]),
        (
            OPERATOR,
            [workload("training-operator", 0, 0)],
            "Training operator",
            ["0", "0"],
        ),
        (
            CONTROLLERS,
            [workload("fsx-csi-controller", 2, 0)],
            "FSx CSI controller",
            ["0", "2"],
        ),
        (DAEMONS, [workload("fsx-csi-node", 5, 4)], "FSx CSI nodes", ["4", "5"]),
        (DAEMONS, [workload("fsx-csi-node", 0, 0)], "FSx CSI nodes", ["0", "0"]),
        (
            CLAIMS,
            [{"metadata": {"name": "fsx-static-pvc"}, "status": {"phase": "Pending"}}],
            "Volume claim",
            ["fsx-static-pvc", "Pending"],
        ),
    ],
)
def test_what_is_wrong_fails_by_name(
    api: kubernetes.ApiClient,
    cluster: Cluster,
    path: str,
    items: list[dict[str, Any]],
    name: str,
    named: list[str],
) -> None:
    """And with the number found and the number needed."""
    cluster.lists[path] = items
    result = results_of(api)[name]
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, *named)
    assert commands(result)


def test_a_cordoned_node_gets_the_command_that_uncordons_it(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.lists[NODES] = [*CORES[:2], node("core-2", CORE, cordoned=True)]
    assert commands(results_of(api)["Nodes"]) == ["kubectl uncordon core-2"]


@pytest.mark.parametrize(
    "plugin",
    [
        pod("p", {}, node="gpu-0", owner="nvidia-device-plugin-gpu-feature-discovery"),
        pod("p", {}, node="gpu-0", owner="nvidia-device-plugin-node-feature-discovery-worker"),
        pod("nvidia-device-plugin-x", {}, node="gpu-0"),
        pod("p", {}, node="gpu-0", owner="nvidia-device-plugin", waiting="CrashLoopBackOff"),
        pod("p", {}, "Pending", node="gpu-0", owner="nvidia-device-plugin"),
    ],
)
def test_only_a_ready_pod_of_the_plugins_own_daemonset_counts(
    api: kubernetes.ApiClient, cluster: Cluster, plugin: dict[str, Any]
) -> None:
    """The chart brings other DaemonSets in the same namespace; a crashed pod is Running too."""
    cluster.lists[NODES] = [*CORES, node("gpu-0", GPU, gpus=8)]
    cluster.lists[PLUGINS] = [plugin]
    assert results_of(api)["Device plugin"].verdict is Verdict.FAIL


def test_no_gpu_node_is_no_fault_while_nothing_trains(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.lists[NODES] = CORES
    results = results_of(api, paid=0)
    assert {each.verdict for each in results.values()} == {Verdict.PASS}
    assert figures(results["GPUs"].said) == []


def test_an_instance_that_is_no_node_yet_is_paid_for(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.lists[NODES] = CORES
    result = results_of(api, paid=2)["GPUs"]
    assert result.verdict is Verdict.FAIL
    assert figures(result.said) == [0, 16, 2], "allocatable, paid for, instances"


def test_a_check_without_an_answer_is_unknown(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    cluster.refused = 500
    results = results_of(api)
    assert results["Nodes"].verdict is Verdict.UNKNOWN
    assert in_order(results["Nodes"].said, "500")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, 'pods "bionemo-verify-x" is forbidden: exceeded quota: team, requested: pods=1'),
        (403, 'admission webhook "policy.example.com" denied the request: images from nowhere'),
        (404, 'namespaces "default" not found'),
        (422, 'Pod "bionemo-verify-x" is invalid: spec.nodeSelector: Invalid value: "a b"'),
    ],
)
def test_a_pod_that_the_cluster_refuses_fails_with_what_it_says(
    status: int, message: str, api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.refusals["POST", PODS] = (status, message)
    result = results_of(api)["A data pod"]
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, str(status))
    assert message in result.said
    assert any("resourcequotas" in each for each in commands(result))
    assert not any("events" in each for each in commands(result)), "a dry run makes none"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Unauthorized"),
        (403, 'pods is forbidden: User "viewer" cannot create resource "pods" in API group ""'),
        (429, "Too many requests, please try again later."),
        (500, "etcdserver: request timed out"),
        (503, "the server is currently unable to handle the request"),
    ],
)
def test_a_request_the_server_cannot_serve_or_allow_is_unknown_for_the_pod(
    status: int, message: str, api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.refusals["POST", PODS] = (status, message)
    results = results_of(api)
    for name in ("A data pod", "A GPU pod"):
        assert results[name].verdict is Verdict.UNKNOWN
        assert (message if status != 401 else "cluster.admins") in results[name].said
    assert results["Nodes"].verdict is Verdict.PASS


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal(width: int, api: kubernetes.ApiClient) -> None:
    out = io.StringIO()
    show_results(Console(file=out, width=width), list(results_of(api).values()))
    assert max(len(line) for line in out.getvalue().splitlines()) <= width


def test_efa_devices_are_counted_on_nodes_that_have_them(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    esm2 = {"training.workload": "esm2"}
    answers: Any = {"ec2.describe_instances": running(instance(), instance())}

    def found() -> Result:
        listed = {each.name: each for each in verify(api, simulated_deployment(esm2, answers))}
        return listed["EFA"]

    assert "EFA" not in results_of(api)
    assert found().verdict is Verdict.FAIL
    for each in cluster.lists[NODES]:
        if each["status"]["allocatable"]:
            each["status"]["allocatable"]["vpc.amazonaws.com/efa"] = "4"
    assert found().verdict is Verdict.PASS
    assert figures(found().said)[:2] == [8, 8]
    answers["ec2.describe_instances"] = running()
    assert found().verdict is Verdict.PASS
