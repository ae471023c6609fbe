"""A source on an http or https server, checked against what RELEASE.metalink beside it says."""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import metalink
from download import Download
from durable import remove
from problems import DamagedError, PreparationError
from server import Patience
from source import Facts


class RemoteSource:
    """A file that is downloaded to `folder` while it is read; see Source.

    Args:
        url: http or https.
        folder: its folder `download` keeps what has come, for a later run to go on from.
        connections: how many at once, if the server takes range requests.
        patience: with the server.
    """

    def __init__(self, url: str, folder: Path, connections: int, patience: Patience) -> None:
        name = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name
        # A folder of its own: `raw` may hold what the 2024 preparation left there.
        self._folder = folder / "download"
        self._path = self._folder / (name if name.strip(".") else "file")
        self._patience = patience
        self._download = Download(url, self._path, connections, patience)
        self.name = self.url = url
        # A download that is complete is what counts, also when the server has a new one.
        self.identity: dict[str, Any] = {}

    @functools.cached_property
    def expected(self) -> Facts:
        """See Source."""
        return metalink.fetch(self.name, self._patience)

    @property
    def size(self) -> int | None:
        """See Source."""
        return self._download.size or self.expected.size

    def blocks(self) -> Iterator[bytes]:
        """See Source.

        Raises:
            DamagedError: the server's file has another size than RELEASE.metalink says.
        """
        wanted = self.expected.size
        self._folder.mkdir(exist_ok=True)
        for block in self._download.blocks(checked=self.expected.md5 is not None):
            if wanted is not None and self._download.size not in (None, wanted):
                raise DamagedError(
                    f"{self.name}: size is {self._download.size}, but RELEASE.metalink says "
                    f"{wanted}; a new release is being put up"
                )
            yield block

    def is_of(self, manifest: dict[str, Any]) -> bool:
        """See Source: what has been downloaded once counts."""
        return True

    def discard(self) -> None:
        """See Source."""
        self._download.discard()
        remove(self._folder)

    def damaged(self, error: DamagedError) -> PreparationError:
        """See Source: the download goes, so that the next try gets the file anew."""
        self.discard()
        return PreparationError(f"{error}. The download has been removed; run again to repeat it.")
