"""Which pods run on which nodes: the labels and the taint that everything else selects by."""

from __future__ import annotations

from typing import Any

CORE_LABELS = {"WorkerType": "ON_DEMAND", "NodeGroupType": "core"}
CORE_SELECTOR = {"NodeGroupType": "core"}

# The device plugin's DaemonSet selects `nvidia.com/gpu.present`; the autoscaler treats a node with
# `k8s.amazonaws.com/accelerator` as unready until its GPUs are there. Sources:
# https://github.com/NVIDIA/k8s-device-plugin/blob/main/deployments/helm/nvidia-device-plugin/values.yaml
# https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
GPU_SELECTOR = {"eks-node": "gpu"}
GPU_LABELS = {
    **GPU_SELECTOR,
    "NodeGroupType": "gpu",
    "nvidia.com/gpu.present": "true",
}
ACCELERATOR_LABEL = "k8s.amazonaws.com/accelerator"

# With the value `present`, which NFD's worker tolerates by default; the 2024 taint had no value.
GPU_TAINT = ("nvidia.com/gpu", "present")
GPU_TOLERATION: dict[str, Any] = {
    "key": GPU_TAINT[0],
    "operator": "Exists",
    "effect": "NoSchedule",
}


def worker_type(purchase: str) -> str:
    """Return the value of label `WorkerType` for a way to buy nodes."""
    return {"spot": "SPOT", "capacity-block": "CAPACITY_BLOCK"}.get(purchase, "ON_DEMAND")
