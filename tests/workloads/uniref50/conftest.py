"""A web server for the program's tests, a file for it, and what the program makes of the file."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from typing import Any

import pytest

from bench.uniref50_data import write_fasta
from tests.in_a_thread import in_a_thread
from tests.workloads.uniref50.harness import NAME, SIZES, Server, csv_files, run


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


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A gzipped FASTA file."""
    path = tmp_path_factory.mktemp("served") / NAME
    write_fasta(path, 3000)
    return path.read_bytes()


@pytest.fixture(scope="session")
def right(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> dict[str, bytes]:
    """The CSV files made from a local copy of `content`."""
    folder = tmp_path_factory.mktemp("right")
    (folder / NAME).write_bytes(content)
    assert run("--root", folder, "--fasta", folder / NAME, *SIZES).returncode == 0
    return csv_files(folder)
