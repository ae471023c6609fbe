"""An AWS over HTTP that identifies the caller, and otherwise stays silent or throttles."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.in_a_thread import in_a_thread
from tests.simulated.aws import ACCOUNT

IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    f"<Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><Account>{ACCOUNT}</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ASSUMED = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>"
    "<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
    "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>"
    "</AssumeRoleResponse>"
)
SLOW_DOWN = (
    "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow</Message></Error>"
    "</Errors></Response>"
)


class _Server(http.server.ThreadingHTTPServer):
    """Grants a role for the MFA code 123456.

    `thinks`: seconds before it identifies the caller; `asked` is set by any other call.
    """

    daemon_threads = True

    def __init__(
        self, *, hangs: bool, knows_the_caller: bool, thinks: float, asked: threading.Event
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hangs, self.knows_the_caller, self.thinks = hangs, knows_the_caller, thinks
        self.asked, self.over = asked, threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report a handler's error, unless the client has disconnected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def answer(self, body: bytes, content_type: str) -> tuple[int, str]:
        """Return status and text for a request."""
        if b"GetCallerIdentity" in body and self.knows_the_caller:
            time.sleep(self.thinks)
            return 200, IDENTITY
        if b"Action=AssumeRole" in body and b"TokenCode=123456" in body:
            return 200, ASSUMED
        self.asked.set()
        if self.hangs:
            self.over.wait(60)
        if "json" in content_type:
            return 400, json.dumps({"__type": "ThrottlingException", "message": "slow"})
        return 400, SLOW_DOWN


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, text = self.server.answer(body, self.headers.get("Content-Type", ""))
        if self.server.over.is_set():  # the client has disconnected
            return
        self.send_response(status)
        self.send_header("x-amzn-ErrorType", "ThrottlingException")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    do_GET = do_HEAD = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def an_endpoint(
    *,
    hangs: bool,
    knows_the_caller: bool = True,
    thinks: float = 0,
    asked: threading.Event | None = None,
) -> Iterator[str]:
    """The address of such an AWS."""
    with (
        _Server(
            hangs=hangs,
            knows_the_caller=knows_the_caller,
            thinks=thinks,
            asked=asked or threading.Event(),
        ) as server,
        in_a_thread(server),
    ):
        yield f"http://127.0.0.1:{server.server_port}"
        server.over.set()
