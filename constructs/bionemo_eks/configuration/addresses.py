"""What is wrong with an address that the data Job is given, in words.

The program workloads/uniref50/prepare_uniref50.py, which runs without this package, has the same
rules and words for its URL; tests/constructs/jobs/test_dataset_job.py holds the two together.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_NO_URL = "give a http or https URL"
_NO_PROXY = "give a http URL of host and port alone"
_PASSWORD = "a user and password are not allowed in it: they would stand in the Job and its log"
_PORT = "a port is a number from 1 to 65535"


def wrong_with_url(url: str) -> str:
    """Return why the data program cannot use a file's address; empty if it can."""
    parts = _split(url)
    if parts is None:
        return _NO_URL
    why = _wrong_with(url, parts, ("http", "https"), _NO_URL)
    if why:
        return why
    if not parts.path.rpartition("/")[2]:
        return "it names no file"
    # Kubernetes expands `$(NAME)` in a container's arguments:
    # https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
    if set("\"'$").intersection(url):
        return "write quotes and $ in it as %22, %27 and %24"
    return ""


def wrong_with_proxy(url: str) -> str:
    """Return why a proxy's address cannot be used; empty if it can.

    Python's urllib speaks to a proxy without TLS, also of a https file (`set_tunnel` in
    https://docs.python.org/3/library/http.client.html): an address with https would be a wrong one.
    """
    parts = _split(url)
    if parts is None:
        return _NO_PROXY
    why = _wrong_with(url, parts, ("http",), _NO_PROXY)
    more = parts.path.strip("/") or parts.query or parts.fragment
    return why or (_NO_PROXY if more or set("\"'$").intersection(url) else "")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # brackets that hold no address
        return None


def _wrong_with(url: str, parts: SplitResult, schemes: tuple[str, ...], otherwise: str) -> str:
    if "@" in parts.netloc:
        return _PASSWORD
    if not (url.isprintable() and parts.hostname and parts.scheme in schemes) or " " in url:
        return otherwise
    try:
        return _PORT if parts.port == 0 else ""
    except ValueError:
        return _PORT
