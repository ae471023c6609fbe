"""What UniProt's RELEASE.metalink says about a file: release, size, MD5."""

from __future__ import annotations

import time
import urllib.parse
from pathlib import Path
from xml.etree import ElementTree

from server import Patience, Server
from source import Facts

NAME = "RELEASE.metalink"
LARGEST = 4 << 20
NO_METALINK = (ValueError, ElementTree.ParseError)
TRIES = 3  # refusals or other files, in a row, after which it counts as absent


def metalink_url(url: str) -> str:
    """The address of RELEASE.metalink in the folder of `url`."""
    return urllib.parse.urljoin(url, NAME)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def parse(text: bytes, url: str) -> Facts:
    """Facts of `url` from a metalink (version 3 or 4); those it lacks are None.

    Raises:
        ElementTree.ParseError, ValueError: not a metalink.
    """
    facts = Facts(url)
    # A query is not part of the file's name.
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rpartition("/")[2])
    root = ElementTree.fromstring(text)
    if _local(root) != "metalink":
        raise ValueError(f"its root is {_local(root)}")
    for element in root.iter():
        if _local(element) == "version" and facts.release is None:
            facts.release = (element.text or "").strip() or None
        if _local(element) != "file" or element.get("name") != name:
            continue
        for item in element.iter():
            value = (item.text or "").strip()
            if _local(item) == "size" and value:
                facts.size = int(value)
            if _local(item) == "hash" and item.get("type", "").lower() == "md5" and value:
                facts.md5 = value.lower()
    return facts


def fetch(url: str, patience: Patience, *, met: bool) -> tuple[Facts, str]:
    """What RELEASE.metalink next to `url` says; if nothing, also why.

    `met`: whether the server has answered properly before.

    Raises:
        PreparationError: the server does not answer, or not properly. A missing file is not an
            error; an unavailable one is, because a damaged download could go unnoticed.
    """
    address = metalink_url(url)
    server = Server(address, patience)
    server.met = met
    why = ""
    for attempt in range(1, TRIES + 1):
        text = server.small_file(LARGEST)
        if text is None:
            why = f"{address} does not exist"
        else:
            try:
                facts = parse(text, url)
            except NO_METALINK as error:
                why = f"{address} is not a metalink ({error})"
            else:
                return facts, _lack(facts, address)
        if attempt < TRIES:
            time.sleep(patience.before(attempt + 1))
    return Facts(url), why


def read(path: Path, url: str) -> Facts:
    """What RELEASE.metalink next to a local file says."""
    file = path.with_name(NAME)
    try:
        text = file.read_bytes()
    except OSError:
        return Facts(url)
    try:
        facts = parse(text, url)
        why = _lack(facts, str(file))
    except NO_METALINK as error:
        facts, why = Facts(url), f"{file} is not a metalink ({error})"
    if why:
        warn(why)
    return facts


def _lack(facts: Facts, address: str) -> str:
    """What is missing, if the metalink says nothing about the file."""
    nothing = facts.size is None and facts.md5 is None
    return f"{address} does not list this file" if nothing else ""


def warn(why: str) -> None:
    """Warn on standard output that a file is not checked."""
    print(f"warning: {why}: size and MD5 are not checked", flush=True)
