"""Deployments of many kinds: each one's objects are valid, and each pod has a node to run on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bionemo_eks.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from bionemo_eks.versions import KUBERNETES_RELEASES
from rehearsal.api_rules import check_object
from rehearsal.scheduler import make_node, may_run_on, place, requests
from rehearsal.training_operator import processes_per_pod, worker_pods, world_size

RESERVED = {
    "gpu.purchase": "capacity-reservation",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}
# Each value of each setting at least once; the ends of the version table in every column.
DEPLOYMENTS: dict[str, dict[str, str]] = {
    "defaults": {},
    "2024": {
        "kubernetes_version": "1.29",
        "gpu.scaling": "fixed",
        "dataset.preparation": "bionemo",
    },
    "1.29-private-p4d": {
        "kubernetes_version": "1.29",
        "gpu.instance_type": "p4d.24xlarge",
        "gpu.nodes": "4",
        "cluster.endpoint": "private",
        "training.layout": "pod-per-node",
    },
    "1.32-p3dn": {
        "kubernetes_version": "1.32",
        "gpu.instance_type": "p3dn.24xlarge",
        "gpu.nodes": "1",
        "gpu.purchase": "spot",
        "network.nat_gateways": "per-zone",
    },
    "1.33-g5": {
        "kubernetes_version": "1.33",
        "gpu.instance_type": "g5.12xlarge",
        "gpu.nodes": "3",
        "core.instance_type": "m6i.xlarge",
    },
    "1.34-p5": {
        "kubernetes_version": "1.34",
        "gpu.instance_type": "p5.48xlarge",
        "training.layout": "pod-per-node",
        **RESERVED,
    },
    "1.35-one-gpu": {"gpu.instance_type": "p3.2xlarge", "gpu.nodes": "1"},
    "1.35-g6-private": {
        "gpu.instance_type": "g6.48xlarge",
        "gpu.nodes": "64",
        "cluster.endpoint": "private",
        "storage.keep_bucket": "false",
        "training.enabled": "false",
    },
}
NAMESPACES = {"default", "kube-system", "kubeflow"}


@pytest.fixture(params=DEPLOYMENTS, scope="module")
def deployment(request: pytest.FixtureRequest, synth: Any) -> Any:
    return synth(**DEPLOYMENTS[request.param])


def objects(deployment: Any) -> list[dict[str, Any]]:
    return [*deployment.kubernetes_objects("Addons"), *deployment.kubernetes_objects("Workload")]


def groups(deployment: Any) -> list[tuple[dict[str, Any], Any]]:
    """(properties, instance type) of each node group, as the templates have them."""
    types = {**CORE_INSTANCE_TYPES, **GPU_INSTANCE_TYPES}
    found = deployment.resources("Cluster", "AWS::EKS::Nodegroup").values()
    return [(each["Properties"], types[each["Properties"]["InstanceTypes"][0]]) for each in found]


def cluster_nodes(deployment: Any) -> list[Any]:
    nodes = []
    for properties, instance in groups(deployment):
        taints = [
            {
                "key": each["Key"],
                "value": each.get("Value", ""),
                "effect": {"NO_SCHEDULE": "NoSchedule"}[each["Effect"]],
            }
            for each in properties.get("Taints", [])
        ]
        size = properties["ScalingConfig"]["MaxSize" if instance.gpus else "DesiredSize"]
        kind = properties["Labels"]["NodeGroupType"]
        nodes += [
            make_node(f"{kind}-{number}", instance, properties["Labels"], taints)
            for number in range(size)
        ]
    return nodes


def pods(deployment: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(controllers' and Jobs' pods, training workers)."""
    others, workers = [], []
    for item in objects(deployment):
        if item["kind"] in ("Deployment", "Job"):
            template = item["spec"]["template"]
            others.append(
                {**template, "metadata": {"name": f"{item['kind']}-{item['metadata']['name']}"}}
            )
        if item["kind"] == "PyTorchJob":
            workers += worker_pods(item)
    return others, workers


def test_every_object_is_one_that_its_kubernetes_takes(deployment: Any) -> None:
    found = objects(deployment)
    crds = {
        (each["spec"]["group"], each["spec"]["names"]["kind"]): each
        for each in found
        if each["kind"] == "CustomResourceDefinition"
    }
    assert set(crds) == {("kubeflow.org", "PyTorchJob")}
    for each in found:
        check_object(
            each,
            kubernetes_version=deployment.settings.kubernetes_version,
            namespaces=NAMESPACES,
            crds=crds,
        )


@pytest.mark.parametrize("version", [min(KUBERNETES_RELEASES), max(KUBERNETES_RELEASES)])
def test_the_default_objects_fit_both_ends_of_the_version_table(default: Any, version: str) -> None:
    for each in objects(default):
        if each["kind"] != "PyTorchJob":
            check_object(each, kubernetes_version=version, namespaces=NAMESPACES, crds={})


def test_every_pod_finds_room_on_a_node_that_it_may_run_on(deployment: Any) -> None:
    others, workers = pods(deployment)
    placed = place([*others, *workers], cluster_nodes(deployment))
    assert not [name for name, node in placed.items() if node is None]
    for pod in others:
        assert str(placed[pod["metadata"]["name"]]).startswith("core-")
    for pod in workers:
        assert str(placed[pod["metadata"]["name"]]).startswith("gpu-")


def test_only_workers_may_run_on_gpu_nodes(deployment: Any) -> None:
    others, workers = pods(deployment)
    for node in cluster_nodes(deployment):
        for pod in others:
            assert may_run_on(pod["spec"], node) == node.name.startswith("core-")
        for pod in workers:
            assert may_run_on(pod["spec"], node) == node.name.startswith("gpu-")


def test_every_gpu_that_is_paid_for_is_trained_on(deployment: Any) -> None:
    settings = deployment.settings
    _, workers = pods(deployment)
    gpus = settings.gpu.nodes * settings.gpu_instance.gpus
    assert world_size(workers) == gpus
    assert sum(requests(pod["spec"])["nvidia.com/gpu"] for pod in workers) == gpus
    for pod in workers:
        assert processes_per_pod(pod) == requests(pod["spec"])["nvidia.com/gpu"]
    (args,) = {tuple(pod["spec"]["containers"][0]["args"]) for pod in workers}
    overrides = dict(each.split("=", 1) for each in args[1:])
    assert int(overrides["trainer.num_nodes"]) * int(overrides["trainer.devices"]) == gpus


def test_a_full_node_leaves_no_gpu_idle_and_no_pod_alone(deployment: Any) -> None:
    """All workers of a node fit it together: one too many would wait for ever."""
    _, workers = pods(deployment)
    placed = place(workers, cluster_nodes(deployment))
    per_node = len(workers) // deployment.settings.gpu.nodes
    homes = list(placed.values())
    assert {homes.count(node) for node in set(homes)} == {per_node}


def test_shared_memory_is_memory_and_within_the_limit(deployment: Any) -> None:
    _, workers = pods(deployment)
    for pod in workers:
        volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
        shm = volumes["shm"]["emptyDir"]
        assert shm["medium"] == "Memory"
        limit = pod["spec"]["containers"][0]["resources"]["limits"]["memory"]
        assert int(shm["sizeLimit"].removesuffix("Gi")) < int(limit.removesuffix("Gi"))


def test_no_secret_and_no_machine_of_ours_is_in_a_template(deployment: Any) -> None:
    for stack in ("Network", "Storage", "Cluster", "Addons", "Workload", "Observability"):
        text = json.dumps(deployment.json(stack))
        assert "/home/" not in text
        assert "AKIA" not in text
        assert len(text) < 900_000, "CloudFormation takes 1 MB"
