"""A server that answers as scheduled: in the ways that RFC 9110 allows, with faults, or oddly."""

from __future__ import annotations

import hashlib
import http.server
import itertools
import re
import socket
import threading
from dataclasses import dataclass

METALINK = "RELEASE.metalink"
ALIGNED, ATTEMPTS = 1024, 12
# The file, in the ways that RFC 9110 allows.
LAWFUL = (
    "part",
    "part-starts-earlier",
    "part-stops-earlier",
    "part-continues",
    "part-of-unknown-size",
    "part-without-validator",
    "whole",
    "whole-in-chunks",
    "whole-without-length",
    "redirect",
)
# Faults of servers, proxies and networks. A number is a status.
FAULTS = (
    *("reset", "part-breaks", "whole-breaks", "whole-in-chunks-breaks"),
    *("whole-without-length-breaks", "403", "404", "405", "416", "429", "500", "503"),
    *("page", "page-without-length", "busy", "empty", "part-of-nothing", "gap", "garbage"),
)
# Another release, with its own size and validator.
OTHER = ("other-part", "other-whole")
METALINKS = ("right", "right", "404", "503", "page", "breaks", "other")


@dataclass(frozen=True)
class Schedule:
    """How requests for the file and for RELEASE.metalink are answered, in order.

    Attributes:
        file: of LAWFUL, FAULTS, OTHER.
        packed: whether the file is gzip, or plain, where only MD5 shows damage.
        metalink: of METALINKS; None for a server without one.
        connections: of the preparation.
    """

    packed: bool
    file: tuple[str, ...]
    metalink: tuple[str, ...] | None
    connections: int

    def harmless(self) -> bool:
        """Whether one run must suffice: few enough faults, and no other file."""
        trouble = sum(how in FAULTS for how in self.file)
        other = {*OTHER, "other"}.intersection(self.file + (self.metalink or ()))
        return trouble < ATTEMPTS // 2 and not other


@dataclass(frozen=True)
class Release:
    """A file on the server, and its rows."""

    content: bytes
    rows: bytes

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content).hexdigest()}"'


class Web:
    """A server with two releases, the current and the other, that follows a schedule.

    `releases`: the two, gzipped (True) and plain (False).
    """

    def __init__(self, releases: dict[bool, list[Release]]) -> None:
        self._releases = releases
        self.current, self.other = self._releases[True]
        self.name = ""
        self.address = ""
        self.met = False
        self._file: list[str] = []
        self._metalink: list[str] | None = None
        self._lock = threading.Lock()

    def follow(self, schedule: Schedule) -> None:
        with self._lock:
            self.current, self.other = self._releases[schedule.packed]
            self.name = "uniref50.fasta" + ".gz" * schedule.packed
            self.met = False
            self._file = list(schedule.file)
            self._metalink = None if schedule.metalink is None else list(schedule.metalink)

    @property
    def url(self) -> str:
        return f"{self.address}/{self.name}"

    def plain(self) -> bool:
        """Whether the schedule has ended."""
        return not self._file and not self._metalink

    def calm(self) -> None:
        """Drop the rest of the schedule."""
        with self._lock:
            self._file = []
            if self._metalink is not None:
                self._metalink = []

    def next(self, path: str) -> str:
        with self._lock:
            if path.endswith(METALINK):
                if self._metalink is None:
                    return "404"
                return self._metalink.pop(0) if self._metalink else "right"
            how = self._file.pop(0) if self._file else "part"
            self.met = self.met or how in LAWFUL
            return how

    def metalink(self, release: Release) -> bytes:
        return (
            f'<metalink><version>2026_04</version><files><file name="{self.name}">'
            f"<size>{len(release.content)}</size><hash type='md5'>"
            f"{hashlib.md5(release.content).hexdigest()}</hash></file></files></metalink>"
        ).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request as scheduled."""

    protocol_version = "HTTP/1.1"
    web: Web
    breaks = itertools.count()

    def do_GET(self) -> None:
        self.close_connection = True
        try:
            if self.path.endswith("/again"):
                self._file("part")
            elif self.path.endswith(METALINK):
                self._metalink(self.web.next(self.path))
            else:
                self._file(self.web.next(self.path))
        except OSError:
            pass

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _small(self, status: int, body: bytes, **headers: str) -> None:
        self._head(status, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def _metalink(self, how: str) -> None:
        text = self.web.metalink(self.web.other if how == "other" else self.web.current)
        if how.isdigit():
            self._small(int(how), b"no")
        elif how == "page":
            self._small(200, b"<html>Down for maintenance</html>")
        elif how == "breaks":
            self._head(200, Content_Length=str(len(text)))
            self.wfile.write(text[: len(text) // 2])
        else:
            self._small(200, text)

    def _file(self, how: str) -> None:
        if how.isdigit():
            retry = {"Retry_After": "0"} if how in {"429", "503"} else {}
            self._small(int(how), b"<html>no</html>", **retry)
        elif how.startswith(("part", "gap", "other-part")):
            self._part(how)
        elif how.startswith(("whole", "other-whole")):
            self._whole(how)
        elif how == "redirect":
            self._small(302, b"", Location=f"{self.path}/again")
        elif how == "page":
            self._small(200, b"<!DOCTYPE html><html>Down for maintenance</html>")
        elif how == "page-without-length":
            self._head(200)
            self.wfile.write(b"\r\n<html>Down for maintenance</html>")
        elif how == "busy":
            self._small(200, b"Too many users, try later\n", ETag='"busy"')
        elif how == "empty":
            self._small(200, b"")
        elif how == "garbage":
            self.wfile.write(b"\0\1\2\3\r\n\r\n")
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _part(self, how: str) -> None:
        release = self.web.other if how == "other-part" else self.web.current
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        match = self.headers.get("If-Range", release.etag)
        if asked is None or match != release.etag:
            return self._whole("whole" if release is self.web.current else "other-whole")
        size = len(release.content)
        start, stop = int(asked[1]), min(int(asked[2]) + 1, size)
        if start >= size:
            return self._small(416, b"", Content_Range=f"bytes */{size}")
        if how == "part-starts-earlier":
            start -= start % ALIGNED
        elif how == "part-stops-earlier":
            stop = start + max(1, (stop - start) // 3)
        elif how == "part-continues":
            stop = size
        elif how == "gap":
            start = min(start + 7, stop - 1)
        total = "*" if how == "part-of-unknown-size" else str(size)
        headers = {"Content_Range": f"bytes {start}-{stop - 1}/{total}", "ETag": release.etag}
        if how == "part-without-validator":
            del headers["ETag"]
        if how == "part-of-nothing":
            del headers["Content_Range"]
        body = release.content[start:stop]
        self._head(206, Content_Length=str(len(body)), **headers)
        self.wfile.write(body[: len(body) // 2] if how == "part-breaks" else body)
        return None

    def _whole(self, how: str) -> None:
        release = self.web.other if how == "other-whole" else self.web.current
        body, breaks = release.content, how.endswith("breaks")
        # Never twice at the same place: without a length, that would be the end.
        sent = body[: len(body) * 2 // 3 - next(self.breaks)] if breaks else body
        if "in-chunks" in how:
            self._head(200, ETag=release.etag, Transfer_Encoding="chunked")
            for at in range(0, len(sent), 5000):
                block = sent[at : at + 5000]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
            self.wfile.write(b"" if breaks else b"0\r\n\r\n")
        else:
            length = {} if "without-length" in how else {"Content_Length": str(len(body))}
            self._head(200, ETag=release.etag, **length)
            self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
