"""What operator v1.7.0 gives its pods, according to its source."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.pods.training_operator import processes_per_pod, worker_pods, world_size


def job(**spec: Any) -> dict[str, Any]:
    container = {"name": "pytorch", "image": "i"}
    return {
        "metadata": {"name": "train", "namespace": "default"},
        "spec": {
            "elasticPolicy": {
                "rdzvBackend": "c10d",
                "minReplicas": 2,
                "maxReplicas": 2,
                "maxRestarts": 3,
            },
            "pytorchReplicaSpecs": {
                "Worker": {"replicas": 2, "template": {"spec": {"containers": [container]}}}
            },
            **spec,
        },
    }


def test_workers_find_the_first() -> None:
    pods = worker_pods(job())
    assert [pod["metadata"]["name"] for pod in pods] == ["train-worker-0", "train-worker-1"]
    (container,) = pods[1]["spec"]["containers"]
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert environment["PET_RDZV_ENDPOINT"] == "train-worker-0:23456"
    assert environment["PET_NNODES"] == "2:2"


def test_nproc_per_node_of_the_spec_reaches_no_pod() -> None:
    pods = worker_pods(job(nprocPerNode="8"))
    assert {processes_per_pod(pod) for pod in pods} == {1}
    assert world_size(pods) == 2


def test_nproc_per_node_of_the_elastic_policy_reaches_pods() -> None:
    changed = job()
    changed["spec"]["elasticPolicy"]["nProcPerNode"] = 8
    assert world_size(worker_pods(changed)) == 16


def test_a_rendezvous_that_fewer_pods_can_complete_is_an_error() -> None:
    changed = job()
    changed["spec"]["elasticPolicy"]["minReplicas"] = 1
    with pytest.raises(ValueError, match="accepts 1 to 2 pods"):
        world_size(worker_pods(changed))
