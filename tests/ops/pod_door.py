"""An API server's `exec`: the WebSocket, and a simulated command behind it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)

PROTOCOL = "v4.channel.k8s.io"


class Door:
    """The server's side of one `exec`: its request, and methods to print and to end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._protocol = connection, WSConnection(ConnectionType.SERVER)
        self.query: list[tuple[str, str]] = []
        self.path, self.authorization = "", ""

    def events(self) -> Iterator[Any]:
        """Yield the client's events until the connection ends."""
        while data := self._connection.recv(65536):
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                if isinstance(event, Ping):
                    self._send(event.response())
                else:
                    yield event

    def _send(self, event: Any) -> None:
        self._connection.sendall(self._protocol.send(event))

    def let_in(self, asked: Request, refusal: int) -> bool:
        """Answer the request; return whether it was accepted."""
        parts = urlsplit(asked.target)
        self.path, self.query = parts.path, parse_qsl(parts.query)
        headers = {key.decode().lower(): value.decode() for key, value in asked.extra_headers}
        self.authorization = headers.get("authorization", "")
        if refusal:
            self._send(RejectConnection(status_code=refusal))
            return False
        assert PROTOCOL in asked.subprotocols
        self._send(AcceptConnection(subprotocol=PROTOCOL))
        return True

    def print(self, text: str, channel: int = 1) -> None:
        """Print on a channel: 1 is standard output, 2 standard error."""
        self._send(BytesMessage(bytes([channel]) + text.encode()))

    def end(self, status: int) -> None:
        """End as a command with this exit status does."""
        why = {"reason": "ExitCode", "message": str(status)}
        outcome = (
            {"status": "Failure", "details": {"causes": [why]}} if status else {"status": "Success"}
        )
        self.print(json.dumps(outcome), 3)
        self._send(CloseConnection(code=1000))


Behind = Callable[[Door, bytes], None]


@contextmanager
def door(behind: Behind, refusal: int = 0) -> Iterator[tuple[str, list[Door]]]:
    """Yield the server's address and its connections.

    `behind` is called with b"" at the beginning, and with each message, its channel first.
    """
    opened: list[Door] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            # A client may leave before it has read all.
            with connection, suppress(ConnectionError):
                one = Door(connection)
                opened.append(one)
                for event in one.events():
                    if isinstance(event, Request):
                        if not one.let_in(event, refusal):
                            return
                        behind(one, b"")
                    elif isinstance(event, Message):
                        text = isinstance(event, TextMessage)
                        behind(one, event.data.encode() if text else bytes(event.data))
                    elif isinstance(event, CloseConnection):
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", opened
    thread.join(5)
    assert not thread.is_alive()
