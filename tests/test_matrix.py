"""Many kinds of deployments: all objects are valid, and every pod has a node to run on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from kubernetes.utils.quantity import parse_quantity

from bionemo_eks.cluster.node_pools import gpu_pool
from bionemo_eks.configuration.efa import HUGE_PAGES, RESOURCE, efas
from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from bionemo_eks.configuration.scheduling import CORE_LABELS, GPU_LABELS, GPU_TAINT
from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from bionemo_eks.jobs.training_job import training_job
from bionemo_eks.jobs.workloads import WORKLOADS
from rehearsal.kubernetes.rules import check_object
from rehearsal.pods.scheduler import make_node, may_run_on, place, requests
from rehearsal.pods.training_operator import processes_per_pod, worker_pods, world_size
from rehearsal.pods.view import core_pods, nodes, placements, workers
from tests.context import ROOT, USABLE, read_settings
from tests.placed import groups, ledger_of, objects

RESERVED = {
    "gpu.purchase": "capacity-reservation",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}
# Each value of a setting that creates different resources, and each Kubernetes version; mere sizes
# and numbers are checked by calculation below.
DEPLOYMENTS: dict[str, dict[str, str]] = {
    "defaults": {},
    "2024": {"preset": "2024"},
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
    "1.35-p5en-block": {
        "region": "us-east-2",
        "gpu.instance_type": "p5en.48xlarge",
        **RESERVED,
        "gpu.purchase": "capacity-block",
    },
    "1.35-one-gpu": {"gpu.instance_type": "g6.xlarge", "gpu.nodes": "1"},
    "1.36-p5e": {"kubernetes_version": "1.36", "gpu.instance_type": "p5e.48xlarge"},
    "1.35-esm2-limits": {
        "training.workload": "esm2",
        "training.max_hours": "100",
        "training.on_stall": "restart",
    },
    "1.35-several-types": {"gpu.instance_type": "p4de.24xlarge,p3dn.24xlarge,p5.48xlarge"},
    "1.35-g6e-private": {
        "gpu.instance_type": "g6e.48xlarge",
        "gpu.nodes": "64",
        "cluster.endpoint": "private",
        "storage.keep_bucket": "false",
        "training.enabled": "false",
    },
}
ESM2 = {"training.workload": "esm2"}
WITH_EFA = [
    name
    for name, each in GPU_INSTANCE_TYPES.items()
    if efas(each) and WORKLOADS["esm2"].gpus.met_by(each)
]
NAMESPACES = {"default", "kube-system", "kubeflow"}


# Each of the others costs a synthesis.
QUICK = {"defaults", "1.35-esm2-limits"}


@pytest.fixture(
    params=[
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in DEPLOYMENTS
    ],
    scope="module",
)
def deployment(request: pytest.FixtureRequest, synth: Any) -> Any:
    return synth(**DEPLOYMENTS[request.param])


def test_every_object_is_valid_in_its_kubernetes_version(deployment: Any) -> None:
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


def test_every_pod_fits_a_node_that_it_may_run_on(deployment: Any) -> None:
    placed = placements(ledger_of(deployment), groups(deployment))
    training = [pod["metadata"]["name"] for pod in workers(ledger_of(deployment))]
    assert len(training) == deployment.settings.workers
    for pod, node in placed:
        kind = "gpu" if pod["metadata"]["name"] in training else "core"
        assert str(node).startswith(f"{kind}-"), pod["metadata"]["name"]


def test_only_workers_may_run_on_gpu_nodes(deployment: Any) -> None:
    ledger = ledger_of(deployment)
    others, training = core_pods(ledger), workers(ledger)
    for node in nodes(groups(deployment)):
        for pod in others:
            assert may_run_on(pod["spec"], node) == node.name.startswith("core-")
        for pod in training:
            assert may_run_on(pod["spec"], node) == node.name.startswith("gpu-")


def test_every_gpu_that_is_paid_for_is_used(deployment: Any) -> None:
    settings = deployment.settings
    pods = workers(ledger_of(deployment))
    gpus = settings.gpu.nodes * settings.gpu_instance.gpus
    assert world_size(pods) == gpus
    assert sum(requests(pod["spec"])["nvidia.com/gpu"] for pod in pods) == gpus
    for pod in pods:
        assert processes_per_pod(pod) == requests(pod["spec"])["nvidia.com/gpu"]
    if settings.training.workload != "esm1nv":
        return
    (args,) = {tuple(pod["spec"]["containers"][0]["args"]) for pod in pods}
    overrides = dict(each.split("=", 1) for each in args if each.startswith("trainer."))
    assert int(overrides["trainer.num_nodes"]) * int(overrides["trainer.devices"]) == gpus


def test_a_full_node_leaves_no_gpu_idle_and_no_pod_out(deployment: Any) -> None:
    """All workers of a node fit it together: one too many would wait forever."""
    pods = workers(ledger_of(deployment))
    placed = place(pods, nodes(groups(deployment)))
    per_node = len(pods) // deployment.settings.gpu.nodes
    homes = list(placed.values())
    assert {homes.count(node) for node in set(homes)} == {per_node}


@pytest.mark.parametrize("layout", ["pod-per-gpu", "pod-per-node"])
@pytest.mark.parametrize("name", USABLE)
def test_the_workers_fill_a_node_of_each_gpu_type(name: str, layout: str) -> None:
    settings = read_settings(
        {"gpu.instance_type": name, "gpu.nodes": "1", "training.layout": layout}
    )
    job = training_job(settings, {"metadata": {"name": "a-data-job"}})
    key, value = GPU_TAINT
    taint = {"key": key, "value": value, "effect": "NoSchedule"}
    node = make_node("gpu-1", GPU_INSTANCE_TYPES[name], GPU_LABELS, [taint])
    pods = worker_pods(job)
    assert set(place(pods, [node]).values()) == {"gpu-1"}
    assert node.free["nvidia.com/gpu"] == 0


@pytest.mark.parametrize("name", WITH_EFA)
def test_the_worker_takes_all_efas_of_a_node_of_each_type(name: str) -> None:
    """The node that the autoscaler expects has enough of the resources that only its tags state."""
    settings = read_settings({**ESM2, "gpu.instance_type": name, "gpu.nodes": "1"})
    instance = GPU_INSTANCE_TYPES[name]
    pool = gpu_pool(settings, {}, ())
    taint = {"key": GPU_TAINT[0], "value": GPU_TAINT[1], "effect": "NoSchedule"}
    node = make_node("gpu-1", instance, pool.labels, [taint], efas(instance))
    (pod,) = worker_pods(training_job(settings, {"metadata": {"name": "a-data-job"}}))
    asked = requests(pod["spec"])
    assert place([pod], [node]) == {"esm2-training-worker-0": "gpu-1"}
    assert (node.free["nvidia.com/gpu"], node.free[RESOURCE]) == (0, 0)
    prefix = "k8s.io/cluster-autoscaler/node-template/resources/"
    expected = {
        key.removeprefix(prefix): float(parse_quantity(amount))  # type: ignore[no-untyped-call]
        for key, amount in pool.group_tags.items()
    }
    assert expected == {key: asked[key] for key in (RESOURCE, HUGE_PAGES)}
    without = make_node("gpu-1", instance, pool.labels, [taint])
    assert place([pod], [without]) == {"esm2-training-worker-0": None}


@pytest.mark.parametrize("name", CORE_INSTANCE_TYPES)
def test_controllers_and_jobs_fit_core_nodes_of_every_type(default: Any, name: str) -> None:
    some = [
        make_node(f"core-{number}", CORE_INSTANCE_TYPES[name], CORE_LABELS, [])
        for number in range(default.settings.core.nodes)
    ]
    assert None not in place(core_pods(ledger_of(default)), some).values()


def test_shared_memory_is_memory_and_within_the_limit(deployment: Any) -> None:
    for pod in workers(ledger_of(deployment)):
        volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
        shm = volumes["shm"]["emptyDir"]
        assert shm["medium"] == "Memory"
        limit = pod["spec"]["containers"][0]["resources"]["limits"]["memory"]
        assert int(shm["sizeLimit"].removesuffix("Gi")) < int(limit.removesuffix("Gi"))


def test_no_secret_and_no_local_path_is_in_a_template(deployment: Any) -> None:
    for stack in ("Network", "Storage", "Cluster", "Addons", "Workload", "Observability"):
        text = json.dumps(deployment.json(stack))
        assert str(ROOT) not in text
        assert str(Path.home()) not in text
        assert not re.search(r"\bA(KIA|SIA)[A-Z0-9]{16}\b", text)
        assert len(text) < 900_000, "CloudFormation's limit is 1 MB"


def test_an_update_of_each_manifest_fits_the_function_that_applies_it(deployment: Any) -> None:
    """CloudFormation passes the previous manifest too, and Lambda's limit is 1 MB.

    https://docs.aws.amazon.com/lambda/latest/dg/API_Invoke.html
    """
    for stack in ("Cluster", "Addons", "Workload"):
        for name, resource in deployment.json(stack)["Resources"].items():
            if resource["Type"] == "Custom::AWSCDK-EKS-KubernetesResource":
                given = resource["Properties"]
                event = {"ResourceProperties": given, "OldResourceProperties": given}
                assert len(json.dumps(event)) < 900_000, name
