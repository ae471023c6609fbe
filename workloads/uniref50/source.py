"""Where the FASTA text comes from, when it is a file on this machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from problems import SourceError, about

READ = 4 << 20


@dataclass
class Facts:
    """What is known of a source, for the manifest; None where nobody has said.

    Attributes:
        url: http, https or file.
        release: from RELEASE.metalink, as `2026_04`.
        size: bytes as downloaded.
        md5: in hex, of the same bytes.
    """

    url: str
    release: str | None = None
    size: int | None = None
    md5: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def local_blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, READ at a time."""
    with about(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            while block := os.read(descriptor, READ):
                yield block
        finally:
            os.close(descriptor)


def checked(
    blocks: Iterator[bytes],
    expected: Facts,
    count: Callable[[int], None],
    report: Callable[[Facts], None],
) -> Iterator[bytes]:
    """`blocks`, compared at the end with what is expected of them.

    Args:
        blocks: the whole source.
        expected: its size and MD5 where known.
        count: gets the bytes so far, for progress.
        report: gets the facts found, once all is read and right.

    Raises:
        SourceError: another size or MD5 than expected.
    """
    # Not for security: MD5 is what UniProt publishes (FIPS builds of Python refuse it else).
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    for block in blocks:
        digest.update(block)
        size += len(block)
        count(size)
        yield block
    found = Facts(expected.url, expected.release, size, digest.hexdigest())
    for what in ("size", "md5"):
        wanted, got = getattr(expected, what), getattr(found, what)
        if wanted is not None and wanted != got:
            raise SourceError(
                f"{expected.url}: {what} is {got}, but RELEASE.metalink says {wanted}; "
                "the file is damaged, or a new release is being put up: try again later"
            )
    report(found)
