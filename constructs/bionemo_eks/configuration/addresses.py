"""What is wrong with an address, in words: the data Job's file, a proxy, a folder.

The program workloads/uniref50, which runs without this package, has the same rules and messages
for its URL in command_line.py; tests/constructs/jobs/test_dataset_urls.py keeps the two equal.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from bionemo_eks.configuration.inputs import FSX, S3

_NO_FILE = f"give an HTTP or HTTPS URL, {S3}bucket/key, or a path below {FSX}"
_NO_FOLDER = f"give a folder below {FSX}, or {S3}bucket/prefix"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# One part of a path. FSx imports only objects whose keys are paths; Kubernetes expands `$(NAME)`:
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/posix-metadata-support.html
_PART = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9!_.*()=+,:&~%#-]{1,255}")
# In characters; S3 allows keys of up to 1024 bytes.
_LONGEST = 1000
_NO_URL = "give an http or https URL"
_NO_PROXY = "give an http URL of host and port only"
_PASSWORD = "a user and password are not allowed in it: they would appear in the Job and its log"
_PORT = "a port is a number from 1 to 65535"


def wrong_with_file(address: str) -> str:
    """Return why a file at this address cannot be read; empty if it can."""
    if address.startswith((S3, "/")):
        return _wrong_with_path(address, _NO_FILE) or (
            "" if address.removeprefix(S3).count("/") else "it names no file"
        )
    why = wrong_with_url(address)
    return _NO_FILE if why == _NO_URL else why


def wrong_with_folder(address: str) -> str:
    """Return why a folder at this address cannot be read; empty if it can."""
    return _wrong_with_path(address, _NO_FOLDER)


def _wrong_with_path(address: str, otherwise: str) -> str:
    """Return what is wrong with an address in S3 or a path below the mount."""
    in_s3, below = address.startswith(S3), address.startswith(f"{FSX}/")
    if not (in_s3 or below) or len(address) > _LONGEST:
        return otherwise
    first, *parts = address.removeprefix(S3 if in_s3 else "/").split("/")
    if in_s3 and not _BUCKET.fullmatch(first):
        return f"{first!r} is not a valid bucket name"
    wrong = next((part for part in parts if not _PART.fullmatch(part)), None)
    if wrong is None:
        return ""
    if not wrong:
        return "it ends with a slash, or has two in a row"
    return f"{wrong!r} in it is not a name that FSx and a command line accept"


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

    Python's urllib connects to a proxy without TLS, even for an https file (`set_tunnel` in
    https://docs.python.org/3/library/http.client.html), so an https address would be wrong.
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
    except ValueError:  # brackets without an address
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
