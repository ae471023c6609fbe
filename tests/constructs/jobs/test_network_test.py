"""The network test's objects: valid for Kubernetes, one pod per node, with all of its EFAs."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import pytest

from bionemo_eks.configuration.efa import efas
from bionemo_eks.configuration.scheduling import GPU_LABELS, GPU_TAINT
from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from bionemo_eks.jobs.network_test import network_test_objects
from rehearsal.kubernetes.rules import check_object
from rehearsal.pods.scheduler import make_node, place
from tests.context import read_settings

ESM2 = {"training.workload": "esm2"}


def objects(**changes: str) -> list[dict[str, Any]]:
    return network_test_objects(read_settings(ESM2 | changes), "network-test-1", 2700)


@pytest.mark.parametrize("version", KUBERNETES_RELEASES)
def test_kubernetes_accepts_them(version: str) -> None:
    service, job = objects()
    kubernetes_validate.validate(service, version, strict=True)
    check_object(job, kubernetes_version=version, namespaces={"default"}, crds={})


def test_pods_find_each_other_by_the_services_name() -> None:
    """https://kubernetes.io/docs/tasks/job/job-with-pod-to-pod-communication/"""
    service, job = objects()
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["template"]["spec"]["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    assert "network-test-1" in spec["template"]["spec"]["containers"][0]["args"]


def test_it_ends_and_is_removed_even_if_the_command_is_killed() -> None:
    _, job = objects()
    assert job["spec"]["activeDeadlineSeconds"] == 2700
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


@pytest.mark.parametrize("name", ["p4d.24xlarge", "p5.48xlarge", "p6-b300.48xlarge", "g5.48xlarge"])
def test_one_pod_fills_a_node(name: str) -> None:
    _, job = objects(**{"gpu.instance_type": name})
    instance = read_settings(ESM2 | {"gpu.instance_type": name}).gpu_instance
    taint = {"key": GPU_TAINT[0], "value": GPU_TAINT[1], "effect": "NoSchedule"}
    nodes = [make_node(f"gpu-{n}", instance, GPU_LABELS, [taint], efas(instance)) for n in (0, 1)]
    pods = []
    for number in range(job["spec"]["completions"]):
        pod = copy.deepcopy(job["spec"]["template"])
        pods.append({**pod, "metadata": {"name": str(number)}})
    assert place(pods, nodes) == {"0": "gpu-0", "1": "gpu-1"}
    assert {node.free["vpc.amazonaws.com/efa"] for node in nodes} == {0}


def test_without_efa_it_requests_none() -> None:
    _, job = objects(**{"gpu.efa": "off"})
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert "vpc.amazonaws.com/efa" not in container["resources"]["limits"]
    assert not container["env"]
