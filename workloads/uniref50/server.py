"""Talks to an http or https server, and retries for a while when it or the network fails.

The schedule: after a failure the next attempt comes in 1 second, then in 2, 4, 8 and so on up to 5
minutes, or when the server's Retry-After says, at most an hour. It gives up after 80 failures in a
row with almost no data in between: 6 hours of refused connections, 7 of silence. The program then
exits with status 1, the downloaded part is kept, and the Job (manifests/workload/uniref50-job.yaml)
starts it three more times: a server may be down for a day.

A refusal (403, 404 and the like) counts as final only from a server that has never answered
properly, in this run or an earlier one: after 10 in a row, 8 minutes, the address is assumed to be
wrong, with status 2. From one that has answered before, it is a failure like any other.
"""

from __future__ import annotations

import datetime
import email.utils
import http.client
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from problems import PreparationError, SourceError

A = TypeVar("A")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
LONGEST_RETRY_AFTER = 3600.0
REFUSALS = 10
# Temporary errors (RFC 9110, RFC 6585); any other 4xx is a refusal.
_LATER = {408, 425, 429}
_PROXY_AUTHENTICATION = 407
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")


@dataclass(frozen=True)
class Patience:
    """How long to keep retrying; see the module's docstring.

    Attributes:
        stall: seconds after which a connection that sends almost nothing is dropped.
        attempts: failures in a row, without a byte in between, after which to give up.
    """

    stall: float = 60.0
    attempts: int = 80

    def before(self, attempt: int) -> float:
        """Seconds to wait before the second, third… attempt."""
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 2, 30))


class Server:
    """One URL, and how patiently to ask its server.

    Attributes:
        met: whether it has answered properly, in this run or an earlier one.
    """

    def __init__(self, url: str, patience: Patience) -> None:
        self.url, self.patience = url, patience
        self.met = False
        self._refused = 0
        self._reported = ("", 0.0)
        self._lock = threading.Lock()

    def open(self, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Ask for the file.

        Raises:
            OSError, http.client.HTTPException: no proper answer; see wait_or_raise().
            SourceError: the address is invalid.
        """
        try:
            # Identity: a proxy must not compress what is counted and checked byte by byte.
            request = urllib.request.Request(
                self.url, headers={"Accept-Encoding": "identity", **headers}
            )
            response: http.client.HTTPResponse = urllib.request.urlopen(
                request, timeout=self.patience.stall
            )
        except (ValueError, http.client.InvalidURL) as error:
            if self.met:  # from a redirect
                raise ConnectionError(
                    f"the server redirects to an invalid address: {error}"
                ) from None
            raise SourceError(f"{self._asked()}: invalid address: {error}") from None
        return response

    def answer(self, headers: dict[str, str], use: Callable[[http.client.HTTPResponse], A]) -> A:
        """What `use` makes of the answer; retries as often as the patience allows.

        Raises:
            PreparationError: the server does not answer, or not properly.
        """
        failures = 0
        while True:
            try:
                with self.open(headers) as response:
                    return use(response)
            except (OSError, http.client.HTTPException) as error:
                failures += 1
                self.wait_or_raise(error, failures)

    def small_file(self, most: int) -> bytes | None:
        """The file, up to `most` bytes; None when the server refuses it.

        Raises:
            PreparationError: the server does not answer, or not properly.
        """
        failures = 0
        while True:
            try:
                with self.open({}) as response:
                    return self._all(response, most)
            except (OSError, http.client.HTTPException) as error:
                if _refusal(error) and _status(error) != _PROXY_AUTHENTICATION:
                    return None
                failures += 1
                self.wait_or_raise(error, failures)

    def _all(self, response: http.client.HTTPResponse, most: int) -> bytes:
        """Read `response` to its end; TimeoutError if that takes longer than `patience.stall`."""
        deadline = time.monotonic() + self.patience.stall
        length = response.length
        found = b""
        while len(found) < most and (data := response.read1(most - len(found))):
            found += data
            if time.monotonic() > deadline:
                raise TimeoutError("the server sends too slowly")
        if length is not None and len(found) < min(length, most):
            raise ConnectionError(f"the connection broke after {len(found):,} bytes")
        return found

    def wait_or_raise(self, error: Exception, failures: int) -> None:
        """Wait before the next attempt; raise if another one is useless.

        Raises:
            SourceError: a server that has never answered properly refuses.
            PreparationError: too many failures in a row.
        """
        patience = self.patience
        reason = self._reason(error)
        refusal = _refusal(error) and not self.met
        self._refused = self._refused + 1 if refusal else 0
        if refusal and self._refused >= min(REFUSALS, patience.attempts):
            raise SourceError(f"{self.url}: {reason}; check the address") from None
        if failures >= patience.attempts:
            raise PreparationError(
                f"{self.url}: gave up after {failures} attempts in a row: {reason}; "
                "what has been downloaded is kept, run again to resume"
            ) from None
        pause = max(patience.before(failures + 1), _retry_after(error))
        with self._lock:
            # Several connections hit the same problem: one line reports it.
            text, when = self._reported
            now = time.monotonic()
            if reason != text or now >= when:
                attempt = f"attempt {failures + 1} of {patience.attempts}"
                print(f"download: {reason}; {attempt} in {pause:.0f} s", flush=True)
                self._reported = (reason, now + pause / 2)
        time.sleep(pause)

    def _proxy(self) -> tuple[str, str] | None:
        """The proxy in use, without its user and password, and the variable that names it."""
        parts = urllib.parse.urlsplit(self.url)
        proxy = urllib.request.getproxies().get(parts.scheme)
        if not proxy or urllib.request.proxy_bypass(parts.netloc):
            return None
        return re.sub(r"^(\w+://)?[^/]*@", r"\1", proxy), f"{parts.scheme}_proxy"

    def _asked(self) -> str:
        proxy = self._proxy()
        return f"{self.url} through the proxy {proxy[0]} ({proxy[1]})" if proxy else self.url

    def _reason(self, error: Exception) -> str:
        """What happened, as text; names the proxy if it is or may be to blame."""
        status, proxy = _status(error), self._proxy()
        reason = str(getattr(error, "reason", None) or error or type(error).__name__)
        if status is None:
            way = proxy and isinstance(error, urllib.error.URLError)
            return f"the proxy {proxy[0]} ({proxy[1]}): {reason}" if way and proxy else reason
        answer = _TUNNEL.sub(r"\1", reason) if _TUNNEL.search(reason) else f"{status} {reason}"
        own = _TUNNEL.search(reason) or status == _PROXY_AUTHENTICATION
        if not proxy or not own:
            return f"the server answers {answer}"
        wants = "; it requires a user and password" if status == _PROXY_AUTHENTICATION else ""
        return f"the proxy {proxy[0]} ({proxy[1]}) answers {answer}{wants}"


def _status(error: Exception) -> int | None:
    """The status of an error answer, including a proxy's own."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code
    tunnel = _TUNNEL.search(str(getattr(error, "reason", error)))
    return int(tunnel[1]) if tunnel else None


def _refusal(error: Exception) -> bool:
    status = _status(error) or 0
    return 400 <= status < 500 and status not in _LATER


def _retry_after(error: Exception) -> float:
    """Seconds to wait, according to the server (RFC 9110, section 10.2.3)."""
    headers = getattr(error, "headers", None)
    value = (headers.get("Retry-After") or "" if headers else "").strip()
    if value.isdigit():
        seconds = float(value)
    else:
        try:
            when = email.utils.parsedate_to_datetime(value)
            seconds = (when - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        except (TypeError, ValueError):  # missing, or not a date
            return 0.0
    return min(LONGEST_RETRY_AFTER, max(0.0, seconds))
