"""The part of an API server that kubectl's `get`, `apply --prune` and `delete` need."""

from __future__ import annotations

import http.server
import json
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.in_a_thread import in_a_thread
from tests.rehearsal.kubernetes_discovery import KINDS, Kinds, base_of, discovery

_CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
Answer = tuple[int, Any]
LAYERS_KUBECTL_RUNS = pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="the layer's kubectl is a program for Linux on x86-64",
)


class Api:
    """The server's state: objects by path, and each change.

    `refuse(verb, object)` may return the message with which a change is refused. What has
    finalizers stays, marked as being deleted, until a test removes it.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.changes: list[tuple[str, str]] = []
        self.refuse: Callable[[str, Any], str | None] = lambda verb, item: None

    def kinds(self) -> Kinds:
        """Return the served kinds: Kubernetes's own, and those of definitions."""
        served = {each: list(kinds) for each, kinds in KINDS.items()}
        for path, item in list(self.objects.items()):
            if path.startswith(f"{_CRD}/"):
                spec = item["spec"]
                names, namespaced = spec["names"], spec["scope"] == "Namespaced"
                for version in spec["versions"]:
                    group_version = f"{spec['group']}/{version['name']}"
                    kinds = served.setdefault(group_version, [])
                    kinds.append((names["plural"], names["kind"], namespaced))
        return served

    def get(self, path: str, selector: str = "") -> Answer:
        """Answer discovery, the schemas and their index, an object, a list of one kind."""
        served = self.kinds()
        found = {**discovery(served), **self.objects}
        if path in found:
            return 200, found[path]
        for group_version, kinds in served.items():
            for plural, kind, _ in kinds:
                if path.startswith(base_of(group_version)) and path.endswith(f"/{plural}"):
                    return 200, self._list(group_version, kind, path, plural, selector)
        return _status(404, "NotFound", f'"{path.rpartition("/")[2]}" not found')

    def _list(
        self, group_version: str, kind: str, path: str, plural: str, selector: str
    ) -> dict[str, Any]:
        within = path.removesuffix(plural)
        items = [
            each
            for key, each in self.objects.items()
            if key.startswith(within) and key.split("/")[-2] == plural
            if selector in ("", *each["metadata"].get("labels", {}))
        ]
        return {
            "kind": f"{kind}List",
            "apiVersion": group_version,
            "metadata": {"resourceVersion": "1"},
            "items": items,
        }

    def post(self, path: str, item: Any) -> Answer:
        """Create an object under the path of its kind."""
        return self._put("create", f"{path}/{item['metadata']['name']}", item)

    def patch(self, path: str, change: Any) -> Answer:
        """Change an object with a merge patch; a strategic one is treated as one."""
        if path not in self.objects:
            return _status(404, "NotFound", f'"{path.rpartition("/")[2]}" not found')
        return self._put("patch", path, _merged(self.objects[path], change))

    def _put(self, verb: str, path: str, item: Any) -> Answer:
        message = self.refuse(verb, item)
        if message is None and verb == "create" and path in self.objects:
            return _status(409, "AlreadyExists", f'"{item["metadata"]["name"]}" already exists')
        if message is not None:
            return _status(403, "Forbidden", message)
        item["metadata"].setdefault("uid", f"uid-of-{path}")
        item["metadata"]["resourceVersion"] = str(len(self.changes) + 1)
        if path.startswith(f"{_CRD}/"):
            item["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
        self.objects[path] = item
        self.changes.append((verb, path))
        return 201 if verb == "create" else 200, item

    def delete(self, path: str) -> Answer:
        """Delete an object, with what is in it if it is a namespace or a definition."""
        if path not in self.objects:
            return _status(404, "NotFound", f'"{path.rpartition("/")[2]}" not found')
        item = self.objects[path]
        message = self.refuse("delete", item)
        if message is not None:
            return _status(403, "Forbidden", message)
        self.changes.append(("delete", path))
        if item["metadata"].get("finalizers"):
            item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            return 200, item
        del self.objects[path]
        inside = f"/{path.partition('/v1/')[2]}/" if "/namespaces/" in path else None
        for each in list(self.objects):
            if inside and path.count("/") == 4 and inside in each:
                del self.objects[each]
        return 200, {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {}}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if asked.get("watch"):
            self._watch(asked.get("fieldSelector", ""), url.path)
            return
        self._answer(self.server.api.get, url.path, asked.get("labelSelector", ""))

    def do_POST(self) -> None:
        self._answer(self.server.api.post, urlsplit(self.path).path, self._body())

    def do_PATCH(self) -> None:
        self._answer(self.server.api.patch, urlsplit(self.path).path, self._body())

    def do_DELETE(self) -> None:
        self._body()
        self._answer(self.server.api.delete, urlsplit(self.path).path)

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        return yaml.safe_load(self.rfile.read(length)) if length else None

    def _answer(self, answer: Callable[..., Answer], *arguments: Any) -> None:
        with self.server.lock:
            status, body = answer(*arguments)
            text = json.dumps(body).encode()
        self._send(status, text)

    def _watch(self, selector: str, path: str) -> None:
        """Answer when the watched object is gone, as `kubectl delete` expects."""
        key, objects = f"{path}/{selector.rpartition('=')[2]}", self.server.api.objects
        last = objects.get(key)
        while key in objects:
            time.sleep(0.02)
        self._send(200, json.dumps({"type": "DELETED", "object": last}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    # A watch of what is never deleted does not end.
    block_on_close = False

    def __init__(self, api: Api) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api, self.lock = api, threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a killed kubectl, which hangs up."""


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """Serve `api` on this machine; yield its address."""
    with _Server(api) as server, in_a_thread(server):
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


def _status(code: int, reason: str, message: str) -> Answer:
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": code,
    }


def _merged(before: Any, change: Any) -> Any:
    """Return a JSON merge patch's result: https://www.rfc-editor.org/rfc/rfc7386"""
    if not isinstance(change, dict):
        return change
    merged = dict(before) if isinstance(before, dict) else {}
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        elif not name.startswith("$"):
            merged[name] = _merged(merged.get(name), value)
    return merged
