"""A command in a pod: its output comes back, keys reach it, and its exit status is returned."""

from __future__ import annotations

import json
import os
import pty
import sys
import termios
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client as kubernetes
from kubernetes.stream.ws_client import STDOUT_CHANNEL, WSClient

from ops.cluster.api import ClusterError
from ops.cluster.terminal import run_in_pod
from tests.ops.pod_door import Behind, Door, door


def run(behind: Behind, *, tty: bool, refusal: int = 0) -> tuple[int, Door]:
    with door(behind, refusal) as (address, opened):
        configuration = kubernetes.Configuration(host=address)
        configuration.api_key = {"authorization": "Bearer k8s-aws-v1.abc"}
        with kubernetes.ApiClient(configuration) as api:
            status = run_in_pod(api, "a-pod", "shell", ["ls", "-l", "/fsx"], tty=tty)
    return status, opened[0]


@pytest.mark.parametrize("status", [0, 2, 127])
def test_a_command_ends_with_its_own_status(status: int, capfd: pytest.CaptureFixture[str]) -> None:
    def behind(one: Door, message: bytes) -> None:
        one.print("a\u00e4")
        one.print("oh", 2)
        one.end(status)

    ended, one = run(behind, tty=False)
    assert ended == status
    assert capfd.readouterr() == ("a\u00e4", "oh")
    assert one.path == "/api/v1/namespaces/default/pods/a-pod/exec"
    assert [value for key, value in one.query if key == "command"] == ["ls", "-l", "/fsx"]
    assert ("container", "shell") in one.query
    assert one.authorization == "Bearer k8s-aws-v1.abc"


@pytest.mark.parametrize("tty", [False, True])
def test_no_output_is_lost_while_another_channel_is_read(
    tty: bool, terminal: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    peek = WSClient.peek_channel

    def slow(self: WSClient, channel: int, timeout: int = 0) -> Any:
        if channel != STDOUT_CHANNEL:
            time.sleep(0.05)
        return peek(self, channel, timeout)  # type: ignore[no-untyped-call]

    def behind(one: Door, message: bytes) -> None:
        if tty and message[:1] != b"\x04":
            return
        for number in range(8):
            one.print(f"{number} ")
            time.sleep(0.03)
        one.end(3)

    monkeypatch.setattr(WSClient, "peek_channel", slow)
    assert run(behind, tty=tty)[0] == 3
    assert capfd.readouterr().out.split() == [str(number) for number in range(8)]


def test_long_output_arrives_complete(capfd: pytest.CaptureFixture[str]) -> None:
    lines = "".join(f"{number}\n" for number in range(200_000))

    def behind(one: Door, message: bytes) -> None:
        for at in range(0, len(lines), 30_000):
            one.print(lines[at : at + 30_000])
        one.end(0)

    assert run(behind, tty=False)[0] == 0
    assert capfd.readouterr().out == lines


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of a terminal that is standard input."""
    other_end, stdin_end = pty.openpty()
    with os.fdopen(stdin_end, "rb", buffering=0) as keys:
        monkeypatch.setattr(sys, "stdin", keys)
        yield other_end
    os.close(other_end)


def test_each_key_reaches_the_pod_and_the_terminal_is_restored(
    terminal: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "132")
    monkeypatch.setenv("LINES", "43")
    before = termios.tcgetattr(sys.stdin.fileno())
    typed, sizes, raw = b"", list[Any](), list[Any]()

    def behind(one: Door, message: bytes) -> None:
        nonlocal typed
        if message[:1] == b"\x04":
            sizes.append(json.loads(message[1:]))
            raw.append(termios.tcgetattr(sys.stdin.fileno()))
            os.write(terminal, b"ls\x03\r")
        elif message[:1] == b"\x00":
            typed += message[1:]
            if typed.endswith(b"\r"):
                one.print("\x1b[32mdata\x1b[0m")
                one.end(0)

    assert run(behind, tty=True)[0] == 0
    assert typed == b"ls\x03\r", "Ctrl-C goes to the shell, and Enter sends no line feed"
    assert capfd.readouterr().out == "\x1b[32mdata\x1b[0m"
    assert sizes[0] == {"Width": 132, "Height": 43}
    assert not raw[0][3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert termios.tcgetattr(sys.stdin.fileno()) == before


def test_a_refused_connection_is_reported_in_one_line() -> None:
    with pytest.raises(ClusterError, match="403") as refused:
        run(lambda one, message: None, tty=False, refusal=403)
    assert "\n" not in str(refused.value)


def test_a_broken_connection_restores_the_terminal(terminal: int) -> None:
    before = termios.tcgetattr(sys.stdin.fileno())

    def behind(one: Door, message: bytes) -> None:
        one._connection.shutdown(2)

    with pytest.raises(ClusterError, match="broken"):
        run(behind, tty=True)
    assert termios.tcgetattr(sys.stdin.fileno()) == before
