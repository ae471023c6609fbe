"""PyTorchJobs that the CRD must accept."""

from __future__ import annotations

import copy
from typing import Any

from bionemo_eks.jobs.dataset_job import dataset_objects
from bionemo_eks.jobs.training_job import training_job
from tests.context import read_settings

PROJECT_JOB = training_job(read_settings({}), dataset_objects(read_settings({}))[-1])
# The shape of the 2024 blueprint's job: an autoscaler's metrics, limits by name, a toleration.
BLUEPRINT_JOB: dict[str, Any] = {
    "apiVersion": "kubeflow.org/v1",
    "kind": "PyTorchJob",
    "metadata": {"name": "esm1nv-pretraining", "namespace": "default"},
    "spec": {
        "nprocPerNode": "8",
        "elasticPolicy": {
            "rdzvBackend": "c10d",
            "minReplicas": 1,
            "maxReplicas": 16,
            "maxRestarts": 100,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 80},
                    },
                }
            ],
        },
        "pytorchReplicaSpecs": {
            "Worker": {
                "replicas": 16,
                "restartPolicy": "OnFailure",
                "template": {
                    "metadata": {"annotations": {"sidecar.istio.io/inject": "false"}},
                    "spec": {
                        "tolerations": [
                            {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
                        ],
                        "volumes": [
                            {"name": "fsx", "persistentVolumeClaim": {"claimName": "fsx-static"}}
                        ],
                        "containers": [
                            {
                                "name": "pytorch",
                                "image": "example.org/bionemo:1.2",
                                "imagePullPolicy": "Always",
                                "env": [{"name": "NCCL_DEBUG", "value": "INFO"}],
                                "command": ["python3", "-m", "torch.distributed.run"],
                                "resources": {
                                    "limits": {"nvidia.com/gpu": 1, "memory": "30.5Gi"},
                                    "requests": {"nvidia.com/gpu": "1", "cpu": "500m"},
                                },
                                "volumeMounts": [{"name": "fsx", "mountPath": "/fsx"}],
                            }
                        ],
                    },
                },
            }
        },
    },
}


def _with_everything() -> dict[str, Any]:
    """Return a job that uses many features: probes, affinity, sidecars, a Master."""
    job = copy.deepcopy(BLUEPRINT_JOB)
    del job["spec"]["elasticPolicy"]
    replicas = job["spec"]["pytorchReplicaSpecs"]
    replicas["Master"] = copy.deepcopy(replicas["Worker"]) | {"replicas": 1}
    pod = replicas["Worker"]["template"]["spec"]
    selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}
    pod["affinity"] = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [selector]}
        },
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 1,
                    "podAffinityTerm": {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"app": "a"}},
                    },
                }
            ]
        },
    }
    pod["topologySpreadConstraints"] = [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    ]
    pod["initContainers"] = [{"name": "wait", "image": "busybox", "args": ["true"]}]
    pod["volumes"] += [
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}},
        {"name": "conf", "configMap": {"name": "conf", "items": [{"key": "a", "path": "b"}]}},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
    ]
    pod["containers"].append(
        {
            "name": "exporter",
            "image": "exporter:1",
            "ports": [{"name": "metrics", "containerPort": 9400}],
            "livenessProbe": {"httpGet": {"path": "/", "port": "metrics"}, "periodSeconds": 5},
            "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "envFrom": [{"secretRef": {"name": "keys", "optional": True}}],
            "securityContext": {"capabilities": {"drop": ["ALL"], "add": ["IPC_LOCK"]}},
        }
    )
    return job


GOOD_JOBS = {
    "of this project": PROJECT_JOB,
    "of the 2024 blueprint": BLUEPRINT_JOB,
    "with everything": _with_everything(),
}
