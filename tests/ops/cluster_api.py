"""A Kubernetes API server that answers from a table, for the operations command."""

from __future__ import annotations

import http.server
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes import client as kubernetes

from tests.in_a_thread import in_a_thread

NOW = "2026-11-24T12:00:00Z"
VERSION = dict.fromkeys(
    ("buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "platform"), "x"
)
VERSION |= {"major": "1", "minor": "35", "gitVersion": "v1.35.3-eks"}
CORE = {"NodeGroupType": "core", "eks.amazonaws.com/nodegroup": "bionemo-on-eks-core-1"}
GPU = {
    "eks-node": "gpu",
    "NodeGroupType": "gpu",
    "eks.amazonaws.com/nodegroup": "bionemo-on-eks-gpu-1",
}
TRAINING = {"training.kubeflow.org/job-name": "esm1nv-pretraining"}
JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods"
ALL_PODS = "/api/v1/pods"
PYTORCH = "/apis/kubeflow.org/v1/namespaces/default/pytorchjobs"
NODES = "/api/v1/nodes"
NAMESPACES = "/api/v1/namespaces"
OPERATOR = "/apis/apps/v1/namespaces/kubeflow/deployments"
CONTROLLERS = "/apis/apps/v1/namespaces/kube-system/deployments"
DAEMONS = "/apis/apps/v1/namespaces/kube-system/daemonsets"
PLUGINS = "/api/v1/namespaces/nvidia-device-plugin/pods"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


class Cluster:
    """What the server holds: objects by the path of their list, and logs by pod.

    `refused`: status to answer everything with, if not 0; `missing`: paths to answer with 404;
    `refusals`: status and message to answer a method and path with; `stays`: whether
    deleted objects remain.
    """

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.logs: dict[str, str] = {}
        self.refused = 0
        self.missing: set[str] = set()
        self.refusals: dict[tuple[str, str], tuple[int, str]] = {}
        self.made: list[dict[str, Any]] = []
        self.dry_runs: list[str] = []
        self.changed: list[tuple[str, dict[str, Any]]] = []
        self.deleted: list[tuple[str, dict[str, str]]] = []
        self.stays = False

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        """Return status and text for a request."""
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if self.refused:
            return self.refused, json.dumps({"message": "no"})
        if parts.path in self.missing:
            return 404, json.dumps({"message": "not found"})
        if (method, parts.path) in self.refusals:
            status, message = self.refusals[method, parts.path]
            return status, json.dumps({"kind": "Status", "code": status, "message": message})
        if parts.path == "/version/":
            return 200, json.dumps(VERSION)
        if parts.path.endswith("/log"):
            return 200, self.logs.get(parts.path.split("/")[-2], "")
        if method == "POST":
            self.made.append(json.loads(body))
            self.dry_runs.append(query.get("dryRun", ""))
            return 201, body.decode()
        if method == "PATCH":
            self.changed.append((parts.path, json.loads(body)))
        if parts.path not in self.lists and (found := self._named(parts.path)) is not None:
            if method == "DELETE":
                self.deleted.append((found["metadata"]["name"], query))
                if not self.stays:
                    self.lists[parts.path.rpartition("/")[0]].remove(found)
            return 200, json.dumps(found)
        if parts.path.rpartition("/")[0] in self.lists:
            return 404, json.dumps({"kind": "Status", "code": 404, "message": "not found"})
        items = [
            item
            for item in self.lists.get(parts.path, [])
            if _fits(item["metadata"].get("labels", {}), query.get("labelSelector", ""))
            and _has_fields(item, query.get("fieldSelector", ""))
        ]
        return 200, json.dumps({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items})

    def _named(self, path: str) -> dict[str, Any] | None:
        listed, _, name = path.rpartition("/")
        return next(
            (each for each in self.lists.get(listed, []) if each["metadata"]["name"] == name), None
        )


def _fits(labels: dict[str, str], selector: str) -> bool:
    """Whether labels fit a selector of `key=value` and `key in (a,b)`.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    for part in re.split(r",(?![^(]*\))", selector) if selector else []:
        key, _, wanted = part.partition(" in ") if " in " in part else part.partition("=")
        if labels.get(key) not in wanted.strip("()").split(","):
            return False
    return True


def _has_fields(item: dict[str, Any], selector: str) -> bool:
    for part in selector.split(",") if selector else []:
        path, equal, wanted = part.partition("!=") if "!=" in part else part.partition("=")
        value: Any = item
        for key in path.split("."):
            value = value.get(key, {})
        if (value == wanted) is (equal == "!="):
            return False
    return True


@contextmanager
def serving(cluster: Cluster) -> Iterator[kubernetes.ApiClient]:
    """Run a server for the cluster, and yield a client of it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, text = cluster.answer(self.command, self.path, body)
            self.send_response(status)
            log = urlsplit(self.path).path.endswith("/log")
            self.send_header("Content-Type", "text/plain" if log else "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_PATCH = do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, in_a_thread(server):
        configuration = kubernetes.Configuration(host=f"http://127.0.0.1:{server.server_port}")
        with kubernetes.ApiClient(configuration) as api:
            yield api


def node(
    name: str, labels: dict[str, str], *, gpus: int = 0, ready: bool = True, cordoned: bool = False
) -> dict[str, Any]:
    """A node as the API lists it."""
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"unschedulable": True} if cordoned else {},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "allocatable": {"nvidia.com/gpu": str(gpus)} if gpus else {},
        },
    }


def pod(name: str, labels: dict[str, str], phase: str = "Running", **more: Any) -> dict[str, Any]:
    """A pod as the API lists it.

    `more`: `node`, `waiting`, `restarts`, `owner` (a DaemonSet's name), `namespace`, `gpus`.
    """
    state = {"waiting": {"reason": more["waiting"]}} if "waiting" in more else {"running": {}}
    ready = phase == "Running" and "waiting" not in more
    gpus = {"nvidia.com/gpu": str(more["gpus"])} if "gpus" in more else {}
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": more.get("owner"), "uid": "1"}
    return {
        "metadata": {
            "name": name,
            "namespace": more.get("namespace", "default"),
            "labels": labels,
            "creationTimestamp": NOW,
            "ownerReferences": [owner] if "owner" in more else [],
        },
        "spec": {
            "containers": [{"name": "main", "resources": {"limits": gpus}}],
            "nodeName": more.get("node"),
        },
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [
                {
                    "name": "main",
                    "image": "x",
                    "imageID": "x",
                    "ready": ready,
                    "restartCount": more.get("restarts", 0),
                    "state": state,
                }
            ],
        },
    }


def job(name: str, label: str, **status: Any) -> dict[str, Any]:
    """A Job as the API lists it."""
    return {
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": label},
            "creationTimestamp": NOW,
        },
        "spec": {"template": {"spec": {"containers": [{"name": "main"}]}}},
        "status": status,
    }


def workload(name: str, wanted: int, ready: int) -> dict[str, Any]:
    """A Deployment or a DaemonSet as the API lists it: clients read only their kind's fields."""
    return {
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {}},
            "template": {"spec": {"containers": [{"name": "main"}]}},
            "replicas": wanted,
        },
        "status": {
            "availableReplicas": ready,
            "numberReady": ready,
            "desiredNumberScheduled": wanted,
            "currentNumberScheduled": wanted,
            "numberMisscheduled": 0,
        },
    }


def condition(kind: str, message: str = "") -> dict[str, Any]:
    """A condition that is true."""
    return {"type": kind, "status": "True", "message": message}


def training(suspend: bool, *conditions: dict[str, Any]) -> dict[str, Any]:
    """The PyTorchJob as the API lists it."""
    return {
        "metadata": {"name": "esm1nv-pretraining"},
        "spec": {"runPolicy": {"suspend": suspend}},
        "status": {"conditions": list(conditions)},
    }


def worker(number: int, phase: str = "Running", **more: Any) -> dict[str, Any]:
    """A worker of the training."""
    labels = {**TRAINING, "training.kubeflow.org/replica-index": str(number)}
    return pod(f"esm1nv-pretraining-worker-{number}", labels, phase, **more)


def healthy() -> Cluster:
    """A cluster with a running training."""
    cluster = Cluster()
    cluster.lists = {
        NODES: [
            *(node(f"core-{n}", CORE) for n in range(3)),
            *(node(f"gpu-{n}", GPU, gpus=8) for n in range(2)),
        ],
        OPERATOR: [workload("training-operator", 1, 1)],
        CONTROLLERS: [workload("fsx-csi-controller", 2, 2)],
        DAEMONS: [workload("fsx-csi-node", 5, 5)],
        PLUGINS: [
            pod(f"nvidia-device-plugin-{n}", {}, node=f"gpu-{n}", owner="nvidia-device-plugin")
            for n in range(2)
        ],
        CLAIMS: [
            {
                "metadata": {"name": "fsx-static-pvc"},
                "spec": {"volumeName": "fsx-static-pv"},
                "status": {"phase": "Bound"},
            }
        ],
        JOBS: [
            job("uniref50-download-1", "uniref50-download", conditions=[condition("Complete")]),
            job("esm1nv-launcher-1", "esm1nv-launcher", conditions=[condition("Complete")]),
        ],
        PYTORCH: [training(False, condition("Created"), condition("Running"))],
        ALL_PODS: [
            *(worker(n, node=f"gpu-{n // 8}", gpus=1) for n in range(16)),
            pod("coredns-1", {}, namespace="kube-system", node="core-1"),
        ],
        PODS: [
            pod("uniref50-download-1-x", {"job-name": "uniref50-download-1"}, "Succeeded"),
            *(worker(n, restarts=int(n == 3)) for n in range(16)),
        ],
    }
    cluster.logs = {
        "uniref50-download-1-x": "read: done\nwrite: 150 files in 9.0 s\n",
        "esm1nv-pretraining-worker-0": "INFO x\nEpoch 0: 1%| 10/1000\rEpoch 0: 2%| 20/1000\nbye\n",
    }
    return cluster
