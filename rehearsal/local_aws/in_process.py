"""boto3 clients for code that runs inside of the emulator's own process.

Over the port they would wait for themselves: what makes a stack's resources holds the event loop.
So a request goes to the emulator's handler of the service, which is what the port leads to as well.
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

# Nothing is sent there. An address, for which S3 puts a bucket's name into the path.
_NOWHERE = "http://127.0.0.1"


@functools.cache
def client(service: str) -> Any:
    """Return a client of a service of the emulator in whose process this is.

    Account and region are those of the request that is being answered, as in the emulator itself.
    """
    made = _session()(service)
    # What answers this event takes the place of the network:
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
    # A thread of its own, for its own event loop: this one's may be running already.
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
