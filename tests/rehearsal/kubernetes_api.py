"""As much of an API server as `kubectl apply --server-side` and `kubectl wait` ask for."""

from __future__ import annotations

import http.server
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.in_a_thread import in_a_thread

# Group and version to its kinds: plural, kind, in a namespace or not.
KINDS = {
    "v1": [("configmaps", "ConfigMap", True)],
    "apiextensions.k8s.io/v1": [("customresourcedefinitions", "CustomResourceDefinition", False)],
    "kubeflow.org/v1": [("pytorchjobs", "PyTorchJob", True)],
}


class Api:
    """The server's state: objects by path, and the number of patches."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.patches = 0

    def get(self, path: str) -> Any:
        """Answer discovery, the schemas and their index, an object, a list of one kind."""
        fixed = {"/api": {"versions": ["v1"]}, "/apis": {"groups": _groups()}}
        index = {}
        for each in KINDS:
            base = _base(each)
            index[base[1:]] = {"serverRelativeURL": f"/openapi{base}"}
            fixed |= {base: _resources(each), f"/openapi{base}": _schema(each)}
        fixed["/openapi/v3"] = {"paths": index}
        found = {**fixed, **self.objects}
        if path in found:
            return found[path]
        items = [each for key, each in self.objects.items() if key.startswith(f"{path}/")]
        return {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}

    def patch(self, path: str, forced: bool, item: Any) -> tuple[int, Any]:
        """Apply; fields that another manager has set are a conflict unless forced."""
        self.patches += 1
        if path in self.objects and not forced:
            message = "Apply failed with 1 conflict: conflict with a controller"
            return 409, {"kind": "Status", "status": "Failure", "message": message, "code": 409}
        established = [{"type": "Established", "status": "True"}]
        item.setdefault("status", {})["conditions"] = established
        self.objects[path] = item
        return 200, item


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """Serve `api` on this machine; yield its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200, api.get(urlsplit(self.path).path))

        def do_PATCH(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            forced = parse_qs(url.query).get("force") == ["true"]
            self._answer(*api.patch(url.path, forced, yaml.safe_load(body)))

        def _answer(self, status: int, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, in_a_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


def kubeconfig(server: str) -> str:
    """Return a kubeconfig file's content."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
            "current-context": "c",
        }
    )


def _base(group_version: str) -> str:
    return f"/api/{group_version}" if "/" not in group_version else f"/apis/{group_version}"


def _groups() -> list[dict[str, Any]]:
    found = []
    for each in KINDS:
        group, _, version = each.rpartition("/")
        served = {"groupVersion": each, "version": version}
        if group:
            found.append({"name": group, "versions": [served], "preferredVersion": served})
    return found


def _resources(group_version: str) -> dict[str, Any]:
    return {
        "kind": "APIResourceList",
        "groupVersion": group_version,
        "resources": [
            {"name": plural, "kind": kind, "namespaced": namespaced, "verbs": ["get", "patch"]}
            for plural, kind, namespaced in KINDS[group_version]
        ],
    }


def _schema(group_version: str) -> dict[str, Any]:
    """Say that the server validates fields itself, so that kubectl leaves it to the server."""
    group, _, version = group_version.rpartition("/")
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1"},
        "paths": {
            f"{_base(group_version)}/{plural}/{{name}}": {
                "patch": {
                    "parameters": [{"name": "fieldValidation", "in": "query"}],
                    "responses": {},
                    "x-kubernetes-group-version-kind": {
                        "group": group,
                        "version": version,
                        "kind": kind,
                    },
                }
            }
            for plural, kind, _ in KINDS[group_version]
        },
    }
