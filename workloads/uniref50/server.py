"""Talks to an http or https server, and puts up with what servers and networks do for a while."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from problems import PreparationError, SourceError

T = TypeVar("T")
LONGEST_PAUSE = 60.0
# Answers that may be others a little later (RFC 9110, RFC 6585); else 4xx is final.
_LATER = {408, 425, 429}
_NOT_THERE = {403, 404, 410}


@dataclass(frozen=True)
class Patience:
    """How long to put up with a server.

    Attributes:
        stall: seconds after which a connection that sends next to nothing is given up.
        attempts: failures in a row, without a byte in between, after which to give up.
        pause: seconds before the second attempt; doubles each time, to LONGEST_PAUSE.
    """

    stall: float = 60.0
    attempts: int = 10
    pause: float = 1.0


class Server:
    """One address and the patience with whoever answers there."""

    def __init__(self, url: str, patience: Patience) -> None:
        self.url, self.patience = url, patience

    def open(self, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Ask for the file.

        Raises:
            OSError, http.client.HTTPException: no good answer; see put_up_with().
            SourceError: the address is no address.
        """
        try:
            # Identity: a proxy must not pack what is counted and checked byte by byte.
            request = urllib.request.Request(
                self.url, headers={"Accept-Encoding": "identity", **headers}
            )
            response: http.client.HTTPResponse = urllib.request.urlopen(
                request, timeout=self.patience.stall
            )
        except (ValueError, http.client.InvalidURL) as error:
            raise SourceError(f"{self.url}: no good address: {error}") from None
        return response

    def answer(
        self,
        headers: dict[str, str],
        use: Callable[[http.client.HTTPResponse], T],
        instead: Mapping[int, T],
    ) -> T:
        """What `use` makes of the answer, after as many attempts as it takes.

        `instead`: what a status means that is an answer as well, though urllib calls it an error.

        Raises:
            PreparationError: the server does not answer, or not well.
        """
        failures = 0
        while True:
            try:
                with self.open(headers) as response:
                    return use(response)
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, urllib.error.HTTPError) and error.code in instead:
                    return instead[error.code]
                failures += 1
                self.put_up_with(error, failures)

    def small_file(self, most: int) -> bytes | None:
        """The file, up to `most` bytes; None if there is none.

        Raises:
            PreparationError: the server does not answer, or not well.
        """

        def whole(response: http.client.HTTPResponse) -> bytes | None:
            return self._all(response, most)

        return self.answer({}, whole, dict.fromkeys(_NOT_THERE))

    def _all(self, response: http.client.HTTPResponse, most: int) -> bytes:
        """Read it to its end; TimeoutError when that takes longer than a stall."""
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

    def put_up_with(self, error: Exception, failures: int) -> None:
        """Wait before the next attempt; raise where another one is of no use.

        Raises:
            SourceError: the server has refused for good.
            PreparationError: too many failures in a row.
        """
        wait = ""
        if isinstance(error, urllib.error.HTTPError):
            reason = f"the server answers {error.code} {error.reason}"
            wait = error.headers.get("Retry-After", "") if error.headers else ""
            if 400 <= error.code < 500 and error.code not in _LATER:
                raise SourceError(f"{self.url}: {reason}; check the address") from None
        else:
            reason = str(getattr(error, "reason", None) or error or type(error).__name__)
        if failures >= self.patience.attempts:
            raise PreparationError(
                f"{self.url}: gave up after {failures} attempts in a row: {reason}; "
                "what has been downloaded is kept, run again to go on"
            ) from None
        pause = min(LONGEST_PAUSE, self.patience.pause * 2 ** (failures - 1))
        if wait.isdigit():
            pause = min(LONGEST_PAUSE, max(pause, float(wait)))
        print(f"download: {reason}; attempt {failures + 1} in {pause:.0f} s", flush=True)
        time.sleep(pause)
