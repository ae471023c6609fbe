"""Where the FASTA text comes from: what every source has, and a file on this machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from problems import MismatchError, PreparationError, SourceError, about, explain

SOURCE_READ = 4 << 20


@dataclass
class Facts:
    """What is known of a source, for the manifest; None where nobody has said.

    Attributes:
        url: http, https or file.
        release: from RELEASE.metalink, as `2026_04`.
        size: bytes as downloaded.
        md5: in hex, of the same bytes.
        modified: when a file on this machine was last changed, in ns since 1970.
    """

    url: str
    release: str | None = None
    size: int | None = None
    md5: str | None = None
    modified: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


class Source(Protocol):
    """A FASTA file, plain or gzipped, that can be read from start to end.

    Attributes:
        name: for messages.
        url: http, https or file; for the manifest.
        identity: changes when the file on this machine does; JSON.
    """

    name: str
    url: str
    identity: dict[str, Any]

    @property
    def expected(self) -> Facts:
        """The URL, and what somebody says of the file."""

    @property
    def size(self) -> int | None:
        """Bytes in all; None when that is unknown. Known once blocks() has begun."""

    def blocks(self) -> Iterator[bytes]:
        """The file's bytes in order."""

    def is_of(self, manifest: dict[str, Any]) -> bool:
        """Whether this is still the file that a manifest's flat `manifest` describes."""

    def discard(self) -> None:
        """Remove what reading it has left on the disk, if anything."""

    def agreed(self, found: Facts) -> Facts:
        """Compare what has been read to its end with what is said of it; return what holds.

        Raises:
            MismatchError: another size or MD5.
        """

    def doubted(self, error: SourceError) -> PreparationError:
        """What to raise when the bytes turn out wrong: `error` if they are so at the source."""


class LocalSource:
    """A file on this machine; `facts`: what RELEASE.metalink beside it says, if it is there.

    Raises:
        SourceError: there is no such file, or it may not be read.
        OSError: the disk fails.
    """

    def __init__(self, path: Path, facts: Facts | None = None) -> None:
        try:
            found = path.stat()
            with path.open("rb"):
                pass
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
            raise SourceError(explain(error)) from None
        self._path = path
        self.name = str(path)
        self.url = path.resolve().as_uri()
        self.size: int | None = found.st_size
        told = facts or Facts(self.url)
        # Under its own name, whatever way led to it.
        self.expected = replace(told, url=self.url, modified=found.st_mtime_ns)
        self.identity = {"size": found.st_size, "modified": found.st_mtime_ns}

    def blocks(self) -> Iterator[bytes]:
        """See Source."""
        with about(self._path):
            descriptor = os.open(self._path, os.O_RDONLY)
            try:
                while block := os.read(descriptor, SOURCE_READ):
                    yield block
            finally:
                os.close(descriptor)

    def is_of(self, manifest: dict[str, Any]) -> bool:
        """See Source: not changed since, or of the same bytes all the same."""
        if manifest.get("modified") == self.identity["modified"]:
            return True
        digest = hashlib.md5(usedforsecurity=False)
        for block in self.blocks():
            digest.update(block)
        return bool(manifest.get("md5") == digest.hexdigest())

    def discard(self) -> None:
        """See Source; the file is not ours to remove."""

    def agreed(self, found: Facts) -> Facts:
        """See Source."""
        return compared(found, self.expected)

    def doubted(self, error: SourceError) -> PreparationError:
        """See Source: another try would find the same bytes."""
        return error


def compared(found: Facts, expected: Facts) -> Facts:
    """`found`, compared with what is expected where that is known.

    Raises:
        MismatchError: another size or MD5.
    """
    for what in ("size", "md5"):
        wanted, got = getattr(expected, what), getattr(found, what)
        if wanted is not None and wanted != got:
            raise MismatchError(
                f"{expected.url}: {what} is {got}, but should be {wanted}; "
                "the file is damaged, or a new release is being published"
            )
    return found


class Checked:
    """A source, read once and compared at the end with what is expected of it.

    Attributes:
        done: bytes so far.
        facts: what has been found; the expected ones until all is read and right.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.done = 0
        self.facts = source.expected

    def blocks(self) -> Iterator[bytes]:
        """The file's bytes in order.

        Raises:
            MismatchError: another size or MD5 than expected.
        """
        # Not for security: MD5 is what UniProt publishes (FIPS builds of Python refuse it else).
        digest = hashlib.md5(usedforsecurity=False)
        for block in self._source.blocks():
            digest.update(block)
            self.done += len(block)
            yield block
        found = replace(self._source.expected, size=self.done, md5=digest.hexdigest())
        self.facts = self._source.agreed(found)
