"""A source on an http or https server, checked against the RELEASE.metalink next to it."""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import metalink
from answers import OddAnswerError
from download import Download, First
from durable import remove
from problems import DamagedError, MismatchError, PreparationError, SourceError
from server import Patience, Server
from source import Checked, Facts, compared


class RemoteSource:
    """A file that is downloaded to `folder` while it is read; see Source.

    Args:
        url: http or https.
        folder: its subfolder `download` keeps the downloaded part, so that a later run resumes.
        connections: how many at once, if the server supports range requests.
        patience: how long to keep retrying.
    """

    def __init__(self, url: str, folder: Path, connections: int, patience: Patience) -> None:
        name = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name
        # A separate folder: `raw` may hold what the 2024 preparation left there.
        self._folder = folder / "download"
        path = self._folder / (name if name.strip(".") else "file")
        self._server = Server(url, patience)
        self._download = Download(self._server, path, connections)
        self.name = self.url = url
        # A complete download stays valid, even if the server has a new version.
        self.identity: dict[str, Any] = {}

    @property
    def expected(self) -> Facts:
        """See Source."""
        return self._met[1]

    @property
    def size(self) -> int | None:
        """See Source."""
        return self._download.size or self._met[0].size or self.expected.size

    @functools.cached_property
    def _met(self) -> tuple[First, Facts]:
        """What the server has, and what RELEASE.metalink says; waits until the two agree.

        A maintenance page has status 200 too, and while a new release is being published,
        RELEASE.metalink and the file may be of different releases.

        Raises:
            PreparationError: this takes too long.
        """
        earlier = self._download.earlier()
        self._server.met = earlier is not None and earlier.url == self.url
        failures = 0
        while True:
            first = self._download.ask()
            self._server.met = self._server.met or not first.not_it
            facts, unchecked = self._published()
            why = _disagreement(first, facts)
            if not why:
                break
            failures += 1
            self._server.wait_or_raise(OddAnswerError(why), failures)
        if facts.md5 is None and earlier and earlier.md5 and earlier.size == first.size:
            # Known from an earlier run, which began with this file.
            facts, unchecked = replace(facts, size=earlier.size, md5=earlier.md5), ""
        if unchecked:
            metalink.warn(unchecked)
        return first, facts

    def _published(self) -> tuple[Facts, str]:
        return metalink.fetch(self.url, self._server.patience, met=self._server.met)

    def blocks(self) -> Iterator[bytes]:
        """See Source."""
        first, facts = self._met
        self._folder.mkdir(exist_ok=True)
        yield from self._download.blocks(first, facts)

    def agreed(self, found: Facts) -> Facts:
        """See Source; RELEASE.metalink may have been published after the file."""
        try:
            return compared(found, self.expected)
        except MismatchError:
            facts, _ = self._published()
            if facts.md5 != found.md5:
                raise
            return replace(found, release=facts.release)

    def is_of(self, manifest: dict[str, Any]) -> bool:
        """See Source: a download stays valid."""
        return True

    def discard(self) -> None:
        """See Source."""
        self._download.discard()
        remove(self._folder)

    def doubted(self, error: SourceError) -> PreparationError:
        """See Source: keep the file if it has its MD5; else remove it, to download it again."""
        self._download.stop()
        if self.expected.md5 is not None and not isinstance(error, MismatchError):
            try:
                for _ in Checked(self).blocks():
                    pass
            except DamagedError as damage:
                error = damage
            else:
                return error
        self.discard()
        return PreparationError(f"{error}. The download has been removed; run again to repeat it.")


def _disagreement(first: First, facts: Facts) -> str:
    """Why a server's answer is not yet the file in RELEASE.metalink; empty if it is."""
    size = first.size
    if first.not_it and (size is None or size != facts.size):
        return f"the server sends {first.not_it}"
    if None not in (size, facts.size) and size != facts.size:
        return (
            f"the server has {size:,} bytes, but RELEASE.metalink says {facts.size:,}: "
            "a new release is being published"
        )
    return ""
