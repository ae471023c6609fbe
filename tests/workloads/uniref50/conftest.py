"""A web server for the program's tests."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from typing import Any

import pytest

from tests.in_a_thread import in_a_thread
from tests.workloads.uniref50.harness import Server


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                served.answer(self)
            except OSError:
                self.close_connection = True

        def do_CONNECT(self) -> None:
            self.send_error(407, "Proxy Authentication Required")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        served.url = f"http://127.0.0.1:{listener.server_port}"
        with in_a_thread(listener):
            yield served
