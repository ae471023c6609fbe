"""What UniProt's RELEASE.metalink says of a file: release, size, MD5."""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from xml.etree import ElementTree

from server import Patience, Server
from source import Facts

NAME = "RELEASE.metalink"
LARGEST = 4 << 20


def beside(url: str) -> str:
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
    name = urllib.parse.unquote(url.rpartition("/")[2])
    for element in ElementTree.fromstring(text).iter():
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


def fetch(url: str, patience: Patience) -> Facts:
    """What RELEASE.metalink beside `url` says; says on standard output what it lacks.

    Raises:
        PreparationError: the server does not answer, or not well. That there is none is no error;
            that it could not be had would leave a damaged download unseen.
    """
    address = beside(url)
    text = Server(address, patience).small_file(LARGEST)
    if text is None:
        return _unchecked(url, f"{address} is not there")
    return _told(text, url, address)


def read(path: Path, url: str) -> Facts:
    """What RELEASE.metalink beside a file on this machine says."""
    beside_it = path.with_name(NAME)
    try:
        text = beside_it.read_bytes()
    except OSError:
        return Facts(url)
    return _told(text, url, str(beside_it))


def _told(text: bytes, url: str, address: str) -> Facts:
    try:
        facts = parse(text, url)
    except (ValueError, ElementTree.ParseError) as error:
        return _unchecked(url, f"{address} is no metalink ({error})")
    if facts.size is None and facts.md5 is None:
        _unchecked(url, f"{address} does not list this file")
    return facts


def _unchecked(url: str, why: str) -> Facts:
    print(f"warning: {why}: size and MD5 go unchecked", flush=True)
    return Facts(url)
