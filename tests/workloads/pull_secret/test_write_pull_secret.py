"""The program that writes the key: what the API server gets, and what is never printed."""

from __future__ import annotations

import base64
import http.server
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

import write_pull_secret
from tests.in_a_thread import in_a_thread

USER, PASSWORD = "$oauthtoken", "a-key-that-fits"
KEY = json.dumps({"username": USER, "password": PASSWORD})
OPTIONS = {
    "--secret": "team/ngc",
    "--region": "us-west-2",
    "--registry": "nvcr.io",
    "--namespace": "default",
    "--name": "training-image-key",
    "--marker": "written",
}
ARGUMENTS = [part for option in OPTIONS.items() for part in option]


class _Server(http.server.HTTPServer):
    """An API server that accepts patches, or refuses all of them with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        text = json.dumps({"message": "secrets is forbidden"}).encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as made, in_a_thread(made):
        yield made


@pytest.fixture
def write(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str | Exception], int]:
    """Run the program with a secret that holds a text, or is unavailable."""
    (tmp_path / "token").write_text("a-pods-token")
    address = f"http://127.0.0.1:{server.server_port}"

    class Api(write_pull_secret.Secrets):
        def __init__(self, _: str, namespace: str) -> None:
            super().__init__(address, namespace, tmp_path)

    class Manager:
        def __init__(self, held: str | Exception) -> None:
            self.held = held

        def get_secret_value(self, SecretId: str) -> dict[str, str]:
            assert SecretId == OPTIONS["--secret"]
            if isinstance(self.held, Exception):
                raise self.held
            return {"SecretString": self.held}

    def run(held: str | Exception) -> int:
        made = Manager(held)
        monkeypatch.setattr("write_pull_secret.boto3.client", lambda *_, **__: made)
        monkeypatch.setenv("JOB_NAME", "training-image-key-1")
        monkeypatch.setenv("JOB_UID", "some-uid")
        return write_pull_secret.main(ARGUMENTS, Api)

    return run


def test_the_secret_is_applied_as_a_docker_configuration_of_one_registry(
    server: _Server, write: Callable[[str], int]
) -> None:
    assert write(KEY) == 0
    ((method, path, headers, body),) = server.asked
    where = urlsplit(path)
    assert (method, where.path) == (
        "PATCH",
        "/api/v1/namespaces/default/secrets/training-image-key",
    )
    # Server-side apply, which creates the object or takes it over.
    assert headers["Content-Type"] == "application/apply-patch+yaml"
    assert parse_qs(where.query)["force"] == ["true"]
    assert parse_qs(where.query)["fieldManager"]
    secret = json.loads(body)
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    data = {name: base64.b64decode(each).decode() for name, each in secret["data"].items()}
    assert data.pop("written") == ""
    (logins,) = (json.loads(each)["auths"] for each in data.values())
    assert set(data) == {".dockerconfigjson"}
    assert set(logins) == {"nvcr.io"}
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert logins["nvcr.io"] == {"username": USER, "password": PASSWORD, "auth": auth}


def test_the_secret_is_deleted_with_its_job(server: _Server, write: Callable[[str], int]) -> None:
    write(KEY)
    (owner,) = json.loads(server.asked[0][3])["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": "training-image-key-1",
        "uid": "some-uid",
    }


def test_the_key_is_never_printed(
    server: _Server, write: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    broken = [KEY[:-1], json.dumps([PASSWORD]), json.dumps({"password": PASSWORD}), f'"{PASSWORD}"']
    assert [write(each) for each in (KEY, *broken)] == [0, 1, 1, 1, 1]
    server.status = 403
    assert write(KEY) == 1
    printed = capsys.readouterr()
    assert PASSWORD not in printed.out + printed.err
    assert base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() not in printed.out
    assert "secrets is forbidden" in printed.err


def test_an_unreadable_secret_is_reported_and_nothing_is_written(
    server: _Server,
    write: Callable[[Exception], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
    assert write(ClientError(refused, "GetSecretValue")) == 1
    assert "GetSecretValue" in capsys.readouterr().err
    assert not server.asked
