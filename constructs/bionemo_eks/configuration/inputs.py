"""Data that a deployment reads but did not create: from S3 through the file system, or on it.

The file system links S3 prefixes, so pods need no permissions in S3. FSx ties a folder to one
prefix for good, so the folder's name is derived from the prefix: a new prefix is a new link.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bionemo_eks.configuration.settings import Settings

# Where the volume is mounted in every pod.
FSX = "/fsx"
# Prefix of an address in S3.
S3 = "s3://"


@dataclass(frozen=True)
class Link:
    """A prefix in a bucket, without leading or trailing slash; empty: the whole bucket."""

    bucket: str
    prefix: str

    @property
    def address(self) -> str:
        """The address of the data repository, as FSx expects it."""
        return f"{S3}{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def folder(self) -> str:
        """Its folder on the file system."""
        return f"/input/{hashlib.sha256(self.address.encode()).hexdigest()[:12]}"

    def overlaps(self, other: Link) -> bool:
        """Whether one is inside the other, which FSx refuses for two links.

        https://docs.aws.amazon.com/fsx/latest/LustreGuide/create-dra-linked-data-repo.html
        """
        mine, others = f"{self.address}/", f"{other.address}/"
        return mine.startswith(others) or others.startswith(mine)


@dataclass(frozen=True)
class Input:
    """A folder and the files read from it.

    `setting` names it by `folder`, an address in S3 or a path in the pods. `files` are groups of
    names in that folder; one of each group must exist.
    """

    setting: str
    folder: str
    files: tuple[tuple[str, ...], ...]

    @property
    def link(self) -> Link | None:
        """The link that the file system needs for it; None if it is already there."""
        if not self.folder.startswith(S3):
            return None
        bucket, _, prefix = self.folder.removeprefix(S3).partition("/")
        return Link(bucket, prefix)

    @property
    def place(self) -> str:
        """The folder, as pods see it."""
        return f"{FSX}{self.link.folder}" if self.link else self.folder

    @property
    def awaited(self) -> list[str]:
        """Paths in the pods that will exist once the link has imported its objects."""
        return [f"{self.place}/{names[0]}" for names in self.files if len(names) == 1]


def file_input(setting: str, address: str) -> Input:
    """Return the input for a setting that names one file."""
    folder, _, name = address.rpartition("/")
    return Input(setting, folder, ((name,),))


def inputs(settings: Settings) -> tuple[Input, ...]:
    """Return what a deployment's jobs read, except what the data Job downloads."""
    dataset = settings.dataset
    own = (file_input("dataset.url", dataset.url),) if dataset.is_own_file else ()
    return (*own, *settings.workload.inputs(settings))


def links(settings: Settings) -> list[Link]:
    """Return the links that the file system needs, each once."""
    found = (each.link for each in inputs(settings))
    return list(dict.fromkeys(link for link in found if link))


def wrong_with_inputs(settings: Settings) -> tuple[str, Sequence[str]]:
    """Return why FSx cannot link the inputs, and the settings; empty if it can."""
    linked = [(each.setting, each.link) for each in inputs(settings) if each.link]
    for setting, link in linked:
        for folder in (settings.workload.data, settings.workload.results):
            # As in `names.bucket_name`; the account is not known yet.
            own = re.fullmatch(
                rf"{re.escape(settings.cluster_name)}-\d{{12}}-{settings.region}", link.bucket
            )
            if own and link.overlaps(Link(link.bucket, folder.removeprefix(f"{FSX}/"))):
                why = (
                    f"{link.address} is in the deployment's own bucket, of which {folder} is "
                    "linked already, and FSx links no prefix within another: use a path there, or "
                    "another prefix"
                )
                return why, [setting]
    for (one, first), (other, second) in itertools.combinations(linked, 2):
        if first != second and first.overlaps(second):
            why = (
                f"of {first.address} and {second.address}, one is within the other, and FSx links "
                "no prefix within another: use separate prefixes"
            )
            return why, [one, other]
    return "", []
