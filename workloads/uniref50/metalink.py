"""What UniProt's RELEASE.metalink says of a file: release, size, MD5."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from xml.etree import ElementTree

from source import Facts

NAME = "RELEASE.metalink"
LARGEST = 4 << 20
TIMEOUT = 30.0


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


def fetch(url: str) -> Facts:
    """What RELEASE.metalink beside `url` says; says on standard output what it lacks."""
    address = beside(url)
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as response:
            facts = parse(response.read(LARGEST), url)
    except (OSError, ValueError, ElementTree.ParseError) as error:
        reason = getattr(error, "reason", None) or error
        print(f"warning: {address} is of no use ({reason}): size and MD5 go unchecked", flush=True)
        return Facts(url)
    if facts.size is None and facts.md5 is None:
        print(f"warning: {address} does not list this file: size and MD5 go unchecked", flush=True)
    return facts
