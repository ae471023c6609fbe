"""What an HTTP answer says about the file and about its own bytes (RFC 9110)."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from email.message import Message

from gunzip import MAGIC

OK, PARTIAL, NO_RANGE = 200, 206, 416
_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d+)-(\d+)/(\d+|\*)\s*", re.IGNORECASE)
_UNSATISFIED = re.compile(r"\s*bytes\s+\*/(\d+)\s*", re.IGNORECASE)
_QUOTED = 30


class OddAnswerError(ConnectionError):
    """A useless answer; a retry may help."""


@dataclass(frozen=True)
class Answer:
    """What the header of an answer says.

    Attributes:
        start: offset in the file of the body's first byte.
        stop: offset after its last byte; None if unknown until its end.
        size: of the whole file in bytes; None when the server does not say.
        partial: whether it is the requested part, not the file from its start.
        bounded: whether a break can be distinguished from the end.
        validator: for If-Range; empty without one.
    """

    start: int
    stop: int | None
    size: int | None
    partial: bool
    bounded: bool
    validator: str


def read(response: http.client.HTTPResponse) -> Answer:
    """Read the header of an answer to a request for one range, or for the file.

    Raises:
        OddAnswerError: it does not say what its body is.
    """
    headers = response.headers
    etag = headers.get("ETag") or ""
    # A weak validator must not be used in If-Range (RFC 9110, section 13.1.5).
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified") or ""
    if response.status == OK:
        size = response.length
        bounded = size is not None or bool(response.chunked)
        return Answer(0, size, size, False, bounded, validator)
    content_range = headers.get("Content-Range", "")
    found = _CONTENT_RANGE.fullmatch(content_range)
    if response.status != PARTIAL or found is None:
        raise OddAnswerError(
            f"the server answers {response.status}, Content-Range {content_range!r}"
        )
    start, stop = int(found[1]), int(found[2]) + 1
    size = None if found[3] == "*" else int(found[3])
    if stop <= start or (size is not None and stop > size):
        raise OddAnswerError(f"the server answers with Content-Range {content_range!r}")
    return Answer(start, stop, size, True, True, validator)


def size_of_unsatisfied(headers: Message) -> int | None:
    """The file's size from the header of a 416; None when it does not say."""
    found = _UNSATISFIED.fullmatch(headers.get("Content-Range") or "")
    return int(found[1]) if found else None


def what_else(first: bytes) -> str:
    """What the file is, by its first bytes, if neither gzip nor FASTA; else empty."""
    if not first:
        return "an empty file"
    text = first.lstrip()
    if first.startswith(MAGIC[: len(first)]) or text.startswith(b">") or not text:
        return ""
    kind = "an HTML page" if text.startswith(b"<") else "neither gzip nor FASTA"
    return f"{kind}, it starts with {text[:_QUOTED].decode('ascii', 'replace').splitlines()[0]!r}"
