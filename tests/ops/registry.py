"""A container registry over HTTP, after the OCI distribution spec."""

from __future__ import annotations

import base64
import http.server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.in_a_thread import in_a_thread

USER, PASSWORD = "$oauthtoken", "a-key-that-fits"
_BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Asked:
    """What the registry was asked: (method, path, whether with credentials)."""

    all: list[tuple[str, str, bool]] = field(default_factory=list)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, asked: Asked) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = asked


class _Handler(http.server.BaseHTTPRequestHandler):
    """Repositories: team/there, team/locked (by token), team/basic, team/moved, team/broken."""

    server: _Server

    def do_GET(self) -> None:
        allowed, where = self.headers.get("Authorization", ""), urlsplit(self.path)
        self.server.asked.all.append((self.command, where.path, bool(allowed)))
        if where.path == "/token":
            return self._token(allowed, parse_qs(where.query))
        repository = where.path.removeprefix("/v2/").partition("/manifests/")[0]
        if _INDEX not in self.headers.get("Accept", ""):
            return self._say(404)
        match repository:
            case "team/there":
                return self._say(200)
            case "team/locked" if allowed != "Bearer fits":
                realm = f'realm="http://127.0.0.1:{self.server.server_port}/token"'
                scope = 'service="tests",scope="repository:team/locked:pull"'
                return self._say(401, **{"WWW-Authenticate": f"Bearer {realm},{scope}"})
            case "team/basic" if allowed != f"Basic {_BASIC}":
                return self._say(401, **{"WWW-Authenticate": 'Basic realm="tests"'})
            case "team/locked" | "team/basic":
                return self._say(200)
            case "team/moved":
                place = f"http://localhost:{self.server.server_port}/v2/team/there/manifests/1"
                return self._say(307, Location=place)
            case "team/broken":
                return self._say(500)
        return self._say(404)

    do_HEAD = do_GET

    def _token(self, allowed: str, asked: dict[str, list[str]]) -> None:
        """As Docker Hub: anyone gets a token, but not for private repositories."""
        if asked != {"service": ["tests"], "scope": ["repository:team/locked:pull"]}:
            return self._say(400)
        if allowed not in ("", f"Basic {_BASIC}"):
            return self._say(401)
        return self._say(200, '{"token": "fits"}' if allowed else '{"token": "anybody"}')

    def _say(self, status: int, text: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def a_registry(asked: Asked | None = None) -> Iterator[str]:
    """The host and port of such a registry."""
    with _Server(asked or Asked()) as server, in_a_thread(server):
        yield f"127.0.0.1:{server.server_port}"
