"""The newest complete checkpoint of a run in the bucket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bionemo_eks.configuration.workload import Workload
from ops.left_by_run import Run

# How a ZIP archive, which torch.save writes, begins, and how its last record begins, which without
# a comment has 22 bytes.
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT 4.3.7, 4.3.16
_BEGIN, _END, _END_BYTES = b"PK\x03\x04", b"PK\x05\x06", 22


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint in the bucket: a file, or a folder of files.

    `key`: of the file, or of the folder, which ends in a slash; `files`: bytes by key; `written`:
    when the bucket got the last of them.
    """

    key: str
    files: dict[str, int]
    written: datetime

    @property
    def size(self) -> int:
        """Its total bytes."""
        return sum(self.files.values())


def newest_whole(run: Run) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest complete checkpoint, and the keys of newer, incomplete ones.

    Raises UnavailableError if the bucket does not answer.
    """
    there = {each["Key"]: each for each in run.listed()}
    found = [each for key, each in there.items() if run.workload.checkpoint.search(key)]
    broken: list[str] = []
    for each in sorted(found, key=lambda one: one["LastModified"], reverse=True):
        checkpoint = _whole(run, each, there)
        if checkpoint is not None:
            return checkpoint, broken
        broken.append(each["Key"])
    return None, broken


def _whole(run: Run, found: dict[str, Any], there: dict[str, Any]) -> Checkpoint | None:
    if _is_a_list(run.workload, found["Key"]):
        return _whole_folder(run, found["Key"], there)
    key, size = found["Key"], found["Size"]
    if run.read(key, f"bytes=0-{len(_BEGIN) - 1}") == _BEGIN:
        end = run.read(key, f"bytes=-{_END_BYTES}")
        if not end.startswith(_END):
            return None
    return Checkpoint(key, {key: size}, found["LastModified"])


def _is_a_list(workload: Workload, key: str) -> bool:
    return bool(workload.checkpoint_list) and key.endswith(f"/{workload.checkpoint_list}")


def _whole_folder(run: Run, key: str, there: dict[str, Any]) -> Checkpoint | None:
    """Return the checkpoint whose list of files is at `key`, if all exist in full size."""
    folder = key.removesuffix(run.workload.checkpoint_list)
    try:
        listed = {str(n): int(size) for n, size in json.loads(run.read(key))["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    files = {f"{folder}{name}": size for name, size in listed.items()}
    if any(each not in there or there[each]["Size"] != size for each, size in files.items()):
        return None
    files[key] = there[key]["Size"]
    return Checkpoint(folder, files, max(there[each]["LastModified"] for each in files))
