"""A command in a pod, connected to this terminal."""

from __future__ import annotations

import functools
import json
import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import yaml
from kubernetes import client as kubernetes
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL, RESIZE_CHANNEL, websocket_call
from websocket import WebSocketException

from bionemo_eks.jobs.places import NAMESPACE
from ops.cluster.api import ClusterError, cause

# Seconds between pings: proxies close idle connections.
_PING = 20.0
_CHUNK = 65536
# Characters to quote of the server's message.
_LONGEST = 300
# What kubectl exec returns if it is unknown.
_UNKNOWN = 1
# `stream` that does not keep a second copy of all output.
# https://github.com/kubernetes-client/python/blob/master/kubernetes/base/stream/ws_client.py
_stream = functools.partial(
    stream.func, functools.partial(websocket_call, capture_all=False), *stream.args[1:]
)


def run_in_pod(
    api: kubernetes.ApiClient, pod: str, container: str, command: Sequence[str], *, tty: bool
) -> int:
    """Run a command in a pod, with this process's input and output; return its exit status.

    `tty`: with a terminal in the pod, connected to this one. ClusterError if the connection is
    refused or breaks.
    """
    core = kubernetes.CoreV1Api(api)
    try:
        talk = _stream(
            core.connect_get_namespaced_pod_exec,
            pod,
            NAMESPACE,
            container=container,
            command=list(command),
            stdin=tty,
            stdout=True,
            stderr=not tty,
            tty=tty,
            _preload_content=False,
            binary=True,
        )
    except kubernetes.ApiException as error:
        why = (str(error.reason).strip().splitlines() or ["no reason given"])[0][:_LONGEST]
        raise ClusterError(f"the Kubernetes API refuses access to the pod: {why}") from None
    try:
        if tty:
            with _raw(sys.stdin.fileno()), _resized(talk):
                return _status(_exchange(talk, sys.stdin.fileno()))
        return _status(_exchange(talk, None))
    except (WebSocketException, OSError) as error:
        raise ClusterError(f"the connection to the pod is broken: {cause(error)}") from None
    finally:
        talk.close()


def _exchange(talk: Any, keys: int | None) -> bytes:
    """Forward input and output until the command ends; return how it ended."""
    ended = b""
    ping = time.monotonic() + _PING
    connection = talk.sock.sock
    while talk.is_open():
        listening = [connection] if keys is None else [connection, keys]
        # select does not report what TLS has read ahead.
        ahead = getattr(connection, "pending", lambda: 0)()
        ready = select.select(listening, [], [], 0 if ahead else 1.0)[0]
        if keys in ready:
            typed = os.read(keys, _CHUNK) if keys is not None else b""
            if not typed:  # the terminal is gone
                break
            talk.write_stdin(typed)
        if ahead or connection in ready:
            talk.update(timeout=0)
        ended += _forward(talk)
        if time.monotonic() > ping:
            talk.sock.ping()
            ping = time.monotonic() + _PING
    # Reading one channel receives for all: the last of it may have come after its turn.
    return ended + _forward(talk)


def _forward(talk: Any) -> bytes:
    """Write the output that has arrived; return what the API says about the command's end."""
    for descriptor in (1, 2):
        _write(descriptor, talk.read_channel(descriptor))
    return bytes(talk.read_channel(ERROR_CHANNEL))


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _status(ended: bytes) -> int:
    """Return the command's exit status, which the API sends last, as a Status.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """
    status: Any = yaml.safe_load(ended or b"{}")
    if status.get("status") == "Success":
        return 0
    causes = status.get("details", {}).get("causes", [])
    codes = [each["message"] for each in causes if each.get("reason") == "ExitCode"]
    if codes:
        return int(codes[0])
    if status.get("message"):
        raise ClusterError(str(status["message"]).splitlines()[0])
    return _UNKNOWN


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Pass on every key, including Ctrl-C, without echo: the terminal in the pod echoes."""
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _resized(talk: Any) -> Iterator[None]:
    """Send the size of this terminal to the one in the pod, now and whenever it changes."""

    def send_size(*_: Any) -> None:
        size = shutil.get_terminal_size()
        message = json.dumps({"Width": size.columns, "Height": size.lines})
        talk.write_channel(RESIZE_CHANNEL, message.encode())

    before = signal.signal(signal.SIGWINCH, send_size)
    try:
        send_size()
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
