"""A Kubernetes API server that answers from a table, for the operations command."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes import client as kubernetes

NOW = "2026-11-24T12:00:00Z"


class Cluster:
    """What the server holds: objects by the path of their list, and logs by pod.

    `refused`: status to answer everything with, if not 0.
    """

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.logs: dict[str, str] = {}
        self.refused = 0
        self.made: list[dict[str, Any]] = []
        self.dry_runs: list[str] = []

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        """Return status and text for a request."""
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if self.refused:
            return self.refused, json.dumps({"message": "no"})
        if parts.path == "/version/":
            return 200, json.dumps({"major": "1", "minor": "35", "gitVersion": "v1.35.3-eks"})
        if parts.path.endswith("/log"):
            return 200, self.logs.get(parts.path.split("/")[-2], "")
        if method == "POST":
            self.made.append(json.loads(body))
            self.dry_runs.append(query.get("dryRun", ""))
            return 201, body.decode()
        wanted = dict(
            part.split("=", 1) for part in query.get("labelSelector", "").split(",") if part
        )
        items = [
            item
            for item in self.lists.get(parts.path, [])
            if wanted.items() <= item["metadata"].get("labels", {}).items()
        ]
        return 200, json.dumps({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items})


@contextmanager
def serving(cluster: Cluster) -> Iterator[kubernetes.ApiClient]:
    """A client of the server."""

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

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        configuration = kubernetes.Configuration(host=f"http://127.0.0.1:{server.server_port}")
        with kubernetes.ApiClient(configuration) as api:
            yield api
        server.shutdown()


def node(name: str, labels: dict[str, str], *, gpus: int = 0, ready: bool = True) -> dict[str, Any]:
    """A node as the API lists it."""
    return {
        "metadata": {"name": name, "labels": labels},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "allocatable": {"nvidia.com/gpu": str(gpus)} if gpus else {},
        },
    }


def pod(name: str, labels: dict[str, str], phase: str = "Running", **more: Any) -> dict[str, Any]:
    """A pod as the API lists it; `node`, `waiting`, `restarts`."""
    state = {"waiting": {"reason": more["waiting"]}} if "waiting" in more else {"running": {}}
    return {
        "metadata": {"name": name, "labels": labels, "creationTimestamp": NOW},
        "spec": {"containers": [{"name": "main"}], "nodeName": more.get("node")},
        "status": {
            "phase": phase,
            "containerStatuses": [
                {
                    "name": "main",
                    "image": "x",
                    "imageID": "x",
                    "ready": phase == "Running",
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


def workload(kind: str, name: str, wanted: int, there: int) -> dict[str, Any]:
    """A Deployment or a DaemonSet as the API lists it."""
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {}},
        "template": {"spec": {"containers": [{"name": "main"}]}},
    }
    if kind == "Deployment":
        return {
            "metadata": {"name": name},
            "spec": {**spec, "replicas": wanted},
            "status": {"availableReplicas": there},
        }
    return {
        "metadata": {"name": name},
        "spec": spec,
        "status": {
            "numberReady": there,
            "desiredNumberScheduled": wanted,
            "currentNumberScheduled": wanted,
            "numberMisscheduled": 0,
        },
    }
