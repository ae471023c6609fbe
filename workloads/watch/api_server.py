"""The Kubernetes API, used with a pod's own service account, with `urllib` only.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# Seconds per request.
TIMEOUT = 10.0
# Characters of the server's message about an error.
_LONGEST = 300
# Lines from the end of a log.
_LINES = 200


class ApiError(RuntimeError):
    """The API server does not answer, or returns an error; the message is one line."""


class ApiServer:
    """Objects of one namespace.

    `address` is the server's, such as `https://10.0.0.1:443`. `account` is the folder with the
    token, which the kubelet renews in place, and the server's certificate authority.
    """

    def __init__(self, address: str, namespace: str, account: Path = ACCOUNT) -> None:
        self._address, self._namespace, self._account = address, namespace, account

    def get(self, group_version: str, plural: str, name: str) -> dict[str, Any] | None:
        """Return one object, or None if there is none with that name.

        `group_version` is `v1` or `batch/v1` and the like. Raises ApiError.
        """
        return self._ask(f"{self._path(group_version, plural)}/{quote(name)}")

    def list(self, group_version: str, plural: str, **selectors: str) -> list[dict[str, Any]]:
        """Return the objects that match `selectors` (`labelSelector` and the like); ApiError."""
        found = self._ask(f"{self._path(group_version, plural)}?{urlencode(selectors)}")
        items: list[dict[str, Any]] = (found or {}).get("items") or []
        return items

    def log(self, pod: str, container: str, seconds: int) -> str:
        """Return the end of what a container has printed in the last `seconds`; ApiError.

        A log record has up to 16 KB, so this is at most 3 MB.
        """
        options = {"container": container, "sinceSeconds": seconds, "tailLines": _LINES}
        found = self._answer(f"{self._path('v1', 'pods')}/{quote(pod)}/log?{urlencode(options)}")
        return (found or b"").decode(errors="replace")

    def patch(self, group_version: str, plural: str, name: str, changes: dict[str, Any]) -> None:
        """Change one object with a merge patch (RFC 7386); ApiError if refused."""
        path = f"{self._path(group_version, plural)}/{quote(name)}"
        body = json.dumps(changes).encode()
        headers = {"Content-Type": "application/merge-patch+json"}
        if self._ask(path, method="PATCH", body=body, headers=headers) is None:
            raise ApiError(f"{path} does not exist")

    def _path(self, group_version: str, plural: str) -> str:
        root = "apis" if "/" in group_version else "api"
        return f"/{root}/{group_version}/namespaces/{self._namespace}/{plural}"

    def _ask(self, path: str, **request: Any) -> dict[str, Any] | None:
        answer = self._answer(path, **request)
        try:
            return None if answer is None else dict(json.loads(answer))
        except ValueError as error:
            raise ApiError(f"{path}: {error}") from None

    def _answer(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes | None:
        try:
            # Read each time: a token is valid for an hour.
            token = (self._account / "token").read_text(encoding="utf-8").strip()
            request = urllib.request.Request(
                self._address + path,
                data=body,
                headers={"Authorization": f"Bearer {token}", **(headers or {})},
                method=method,
            )
            with urllib.request.urlopen(request, timeout=TIMEOUT, context=self._trust()) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise ApiError(f"{path} answered with {error.code}: {_message(error)}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = str(getattr(error, "reason", "") or error) or type(error).__name__
            raise ApiError(f"{path}: {why}") from None

    def _trust(self) -> ssl.SSLContext | None:
        if not self._address.startswith("https:"):
            return None
        return ssl.create_default_context(cafile=str(self._account / "ca.crt"))


def _message(error: urllib.error.HTTPError) -> str:
    """Return the message of the server's Status object, else HTTP's reason."""
    try:
        message = str(json.load(error)["message"])
    except (OSError, ValueError, TypeError, KeyError):
        message = error.reason
    return " ".join(message.split())[:_LONGEST]


def of_this_cluster(namespace: str, environment: Mapping[str, str] = os.environ) -> ApiServer:
    """Return the API server of the cluster that this pod runs in; ApiError outside of one."""
    try:
        host, port = (environment[f"KUBERNETES_SERVICE_{name}"] for name in ("HOST", "PORT"))
    except KeyError as error:
        raise ApiError(f"{error.args[0]} is not set: not in a pod of a cluster") from None
    return ApiServer(f"https://{f'[{host}]' if ':' in host else host}:{port}", namespace)
