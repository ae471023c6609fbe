"""boto3 clients for code in the emulator's own process.

Over the port they would deadlock, because creating a stack's resources blocks the event loop. So
requests go directly to the emulator's handler for the service.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from ministack import app
from ministack.core.responses import get_region
from urllib3 import HTTPResponse

from rehearsal.local_aws import clients

# Nothing is sent there. As it is an IP address, S3 puts the bucket's name into the path.
_NOWHERE = "http://127.0.0.1"


@functools.cache
def client(service: str) -> Any:
    """Return a client for a service of the emulator in this process.

    Account and region are those of the current request, as in the emulator itself.
    """
    made = _session()(service)
    # The answer to this event replaces the network:
    # https://github.com/boto/botocore/blob/develop/botocore/endpoint.py (_send)
    made.meta.events.register(
        "before-send", functools.partial(_answer, made.meta.service_model.endpoint_prefix)
    )
    return made


@functools.cache
def _session() -> Callable[[str], Any]:
    return clients.session(_NOWHERE, get_region())


def _answer(service: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    url = urlsplit(request.url)
    asked = app.SERVICE_HANDLERS[service](
        request.method,
        url.path,
        {name.lower(): _text(value) for name, value in request.headers.items()},
        _bytes(request.body),
        parse_qs(url.query, keep_blank_values=True),
    )
    # In a thread with its own event loop, because this thread's may be running.
    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1) as thread:
        status, headers, answer = thread.submit(context.run, asyncio.run, asked).result()
    raw = HTTPResponse(io.BytesIO(_bytes(answer)), preload_content=False)
    return AWSResponse(request.url, status, headers, raw)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes:
    """Return the content of a body: a file, text, bytes, or none."""
    content = body.read() if hasattr(body, "read") else body or b""
    return content.encode() if isinstance(content, str) else bytes(content)
