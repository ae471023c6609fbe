"""The pods that training operator v1.7.0 creates for a PyTorchJob with only Worker replicas.

Source: https://github.com/kubeflow/training-operator/blob/v1.7.0/pkg/controller.v1/pytorch/elastic.go
"""

from __future__ import annotations

import copy
from typing import Any

_RENDEZVOUS_PORT = 23456


def worker_pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pods of `job` once it is not suspended, worker-0 first.

    `spec.nprocPerNode` reaches no pod; `spec.elasticPolicy.nProcPerNode` does.
    """
    worker = job["spec"]["pytorchReplicaSpecs"]["Worker"]
    return [_pod(job, worker["template"], index) for index in range(worker["replicas"])]


def processes_per_pod(pod: dict[str, Any]) -> int:
    """Return how many processes torchrun starts in a worker pod."""
    environment = _environment(pod)
    return int(environment.get("PET_NPROC_PER_NODE", "1"))


def world_size(pods: list[dict[str, Any]]) -> int:
    """Return the number of processes in all pods, if the rendezvous waits for all of them.

    Raises ValueError when fewer pods suffice, or more are needed.
    """
    least, most = (int(part) for part in _environment(pods[0])["PET_NNODES"].split(":"))
    if not least == most == len(pods):
        raise ValueError(
            f"the rendezvous accepts {least} to {most} pods, but {len(pods)} are running"
        )
    return sum(processes_per_pod(pod) for pod in pods)


def _pod(job: dict[str, Any], template: dict[str, Any], index: int) -> dict[str, Any]:
    name = job["metadata"]["name"]
    pod = copy.deepcopy(template)
    pod["apiVersion"], pod["kind"] = "v1", "Pod"
    metadata = pod.setdefault("metadata", {})
    metadata["name"] = f"{name}-worker-{index}"
    metadata["namespace"] = job["metadata"]["namespace"]
    metadata.setdefault("labels", {})["training.kubeflow.org/job-name"] = name
    (container,) = [each for each in pod["spec"]["containers"] if each["name"] == "pytorch"]
    container.setdefault("env", []).extend(
        {"name": key, "value": value} for key, value in _elastic_environment(job).items()
    )
    return pod


def _elastic_environment(job: dict[str, Any]) -> dict[str, str]:
    policy = job["spec"].get("elasticPolicy")
    environment = {"PYTHONUNBUFFERED": "0"}
    if policy is None:
        return environment
    first = f"{job['metadata']['name']}-worker-0"
    environment |= {
        "PET_RDZV_ENDPOINT": f"{first}:{_RENDEZVOUS_PORT}",
        "PET_RDZV_BACKEND": policy["rdzvBackend"],
        "PET_NNODES": f"{policy['minReplicas']}:{policy['maxReplicas']}",
        "PET_MAX_RESTARTS": str(policy["maxRestarts"]),
    }
    if "rdzvConf" in policy:
        pairs = (f"{each['key']}={each['value']}" for each in policy["rdzvConf"])
        environment["PET_RDZV_CONF"] = ",".join(pairs)
    if "nProcPerNode" in policy:
        environment["PET_NPROC_PER_NODE"] = str(policy["nProcPerNode"])
    return environment


def _environment(pod: dict[str, Any]) -> dict[str, str]:
    (container,) = [each for each in pod["spec"]["containers"] if each["name"] == "pytorch"]
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}
