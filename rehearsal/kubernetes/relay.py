"""Passes the kubectl provider's steps from the emulator's process to the rehearsal's own.

The latter has the user's environment and console, and applies the steps to a real cluster. A step
is a line of JSON over a local port, with a secret that both processes share.
"""

from __future__ import annotations

import json
import secrets
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from rehearsal.kubernetes.objects import KubernetesObject, RefusedError

# Environment variable of the emulator: the relay's address. If empty, there is only the ledger.
RELAY = "REHEARSAL_RELAY"
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Step:
    """What CDK's handler does with a manifest in kubectl: `verb` is create, apply or delete.

    With `prune_label`, objects that have the label and are not in the manifest are removed.
    """

    verb: str
    items: list[KubernetesObject]
    prune_label: str | None = None


@contextmanager
def relay(take: Callable[[Step], None]) -> Iterator[str]:
    """Call `take` with each step during the block, in a thread; yield the address.

    An error in `take` is returned to the sender. After the block, steps are refused.
    """
    secret = secrets.token_hex()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = json.loads(self.rfile.readline())
            if not secrets.compare_digest(asked.pop("secret"), secret):
                return
            refused = None
            try:
                take(Step(**asked))
            except Exception as error:
                refused = str(error)
            self.wfile.write(json.dumps({"refused": refused}).encode())

    class Server(socketserver.ThreadingTCPServer):
        # No need to wait: before the block ends, the caller ends whatever `take` waits for.
        daemon_threads = True
        block_on_close = False

    with Server((_HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield f"{secret}@{server.server_address[1]}"
        finally:
            server.shutdown()


def hand_over(address: str, step: Step) -> None:
    """Wait until the other process has run the step; raise RefusedError if that fails."""
    secret, _, port = address.partition("@")
    try:
        with socket.create_connection((_HOST, int(port))) as line:
            line.sendall(json.dumps({"secret": secret, **asdict(step)}).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer = answers.read()
    except OSError:
        answer = b""
    refused = json.loads(answer)["refused"] if answer else "The rehearsal was stopped"
    if refused is not None:
        raise RefusedError(refused)
