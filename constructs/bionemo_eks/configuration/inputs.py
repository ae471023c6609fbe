"""What a deployment reads that others have made: from S3, by the file system, or on it.

The file system links prefixes of buckets, so that pods need no rights in S3. FSx gives a folder to
one prefix for good: the folder's name follows from the prefix, and another one is another link.
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
# What an address in S3 begins with.
S3 = "s3://"


@dataclass(frozen=True)
class Link:
    """A prefix of a bucket, without slashes at its ends; empty: all that is in the bucket."""

    bucket: str
    prefix: str

    @property
    def address(self) -> str:
        """What FSx takes as a data repository."""
        return f"{S3}{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def folder(self) -> str:
        """Where it lies, on the file system."""
        return f"/input/{hashlib.sha256(self.address.encode()).hexdigest()[:12]}"

    def overlaps(self, other: Link) -> bool:
        """Whether one lies within the other, which FSx refuses of two links.

        https://docs.aws.amazon.com/fsx/latest/LustreGuide/create-dra-linked-data-repo.html
        """
        mine, others = f"{self.address}/", f"{other.address}/"
        return mine.startswith(others) or others.startswith(mine)


@dataclass(frozen=True)
class Input:
    """A folder and what is read of it.

    `setting` names it by `folder`, an address in S3 or a path in the pods. Of each group of
    `files`, names in that folder, one has to be there.
    """

    setting: str
    folder: str
    files: tuple[tuple[str, ...], ...]

    @property
    def link(self) -> Link | None:
        """What the file system has to link for it; None where it is there already."""
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
        """Paths in the pods that will be there once the link has brought what it links."""
        return [f"{self.place}/{names[0]}" for names in self.files if len(names) == 1]


def file_input(setting: str, address: str) -> Input:
    """Return what a setting reads that names one file."""
    folder, _, name = address.rpartition("/")
    return Input(setting, folder, ((name,),))


def inputs(settings: Settings) -> tuple[Input, ...]:
    """Return what the jobs of a deployment read, but for what the data Job downloads."""
    dataset = settings.dataset
    own = (file_input("dataset.url", dataset.url),) if dataset.is_own_file else ()
    return (*own, *settings.workload.inputs(settings))


def links(settings: Settings) -> list[Link]:
    """Return what the file system has to link, each once."""
    found = (each.link for each in inputs(settings))
    return list(dict.fromkeys(link for link in found if link))


def wrong_with_inputs(settings: Settings) -> tuple[str, Sequence[str]]:
    """Return why FSx could not link what is read, and the settings; empty if it can."""
    linked = [(each.setting, each.link) for each in inputs(settings) if each.link]
    for setting, link in linked:
        for folder in (settings.workload.data, settings.workload.results):
            # As `names.bucket_name` has it; nobody knows the account yet.
            own = re.fullmatch(
                rf"{re.escape(settings.cluster_name)}-\d{{12}}-{settings.region}", link.bucket
            )
            if own and link.overlaps(Link(link.bucket, folder.removeprefix(f"{FSX}/"))):
                why = (
                    f"{link.address} is of the deployment's own bucket, of which {folder} is "
                    "linked already, and FSx links no prefix within another: name a path there, "
                    "or another prefix"
                )
                return why, [setting]
    for (one, first), (other, second) in itertools.combinations(linked, 2):
        if first != second and first.overlaps(second):
            why = (
                f"of {first.address} and {second.address} one lies within the other, and FSx "
                "links no prefix within another: give each one its own"
            )
            return why, [one, other]
    return "", []
