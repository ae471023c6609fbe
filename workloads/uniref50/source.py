"""Where the FASTA text comes from: the interface of sources, and a local file."""

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
    """What is known about a source, for the manifest; None if unknown.

    Attributes:
        url: http, https or file.
        release: from RELEASE.metalink, such as `2026_04`.
        size: bytes as downloaded.
        md5: in hex, of the same bytes.
        modified: when a local file was last changed, in ns since 1970.
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
        identity: changes when the local file does; JSON.
    """

    name: str
    url: str
    identity: dict[str, Any]

    @property
    def expected(self) -> Facts:
        """The URL, and what is published about the file."""

    @property
    def size(self) -> int | None:
        """Bytes in total; None if unknown. Known once blocks() has begun."""

    def blocks(self) -> Iterator[bytes]:
        """The file's bytes in order."""

    def is_of(self, manifest: dict[str, Any]) -> bool:
        """Whether this is still the file of `manifest`, into which its `source` is merged."""

    def discard(self) -> None:
        """Remove what reading it has left on the disk, if anything."""

    def agreed(self, found: Facts) -> Facts:
        """Compare what was read, to its end, with what is published about it; return the facts.

        Raises:
            MismatchError: another size or MD5.
        """

    def doubted(self, error: SourceError) -> PreparationError:
        """What to raise when the bytes are wrong: `error` if they are wrong at the source."""


class LocalSource:
    """A local file; `facts`: what the RELEASE.metalink next to it says, if there is one.

    Raises:
        SourceError: there is no such file, or it is not readable.
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
        published = facts or Facts(self.url)
        # Under its own name, whatever path led to it.
        self.expected = replace(published, url=self.url, modified=found.st_mtime_ns)
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
        """See Source: unchanged, or with the same bytes."""
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
        """See Source: a retry would find the same bytes."""
        return error


def compared(found: Facts, expected: Facts) -> Facts:
    """`found`, after checking it against what is known of `expected`.

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
    """A source, read once and compared with what is expected at the end.

    Attributes:
        done: bytes so far.
        facts: what was found; the expected ones until all is read and correct.
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
        # Not for security: UniProt publishes MD5 (FIPS builds of Python refuse it otherwise).
        digest = hashlib.md5(usedforsecurity=False)
        for block in self._source.blocks():
            digest.update(block)
            self.done += len(block)
            yield block
        found = replace(self._source.expected, size=self.done, md5=digest.hexdigest())
        self.facts = self._source.agreed(found)
