"""Folders that are either complete and on the disk, or do not exist under their final name."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from folders import sync_folder

FINAL_MODE = 0o644
_DRAFT_MODE = 0o600


def sync_file(path: Path) -> None:
    """Make the content of `path` survive a crash of the node."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_synced(path: Path, content: bytes) -> None:
    """Replace `path` with `content` atomically."""
    draft = path.with_name(path.name + ".partial")
    draft.write_bytes(content)
    sync_file(draft)
    os.replace(draft, path)


def announce(folder: Path) -> None:
    """Make FSx export the files that were moved here with their folder.

    The export of a move is not documented; that of a change of permissions and times is
    (https://docs.aws.amazon.com/fsx/latest/LustreGuide/autoexport-data-repo-dra.html: Changed).
    """
    for path in sorted(folder.iterdir()):
        path.chmod(_DRAFT_MODE)
        path.chmod(FINAL_MODE)
        os.utime(path)


def publish(draft: Path, final: Path, list_name: str, facts: dict[str, Any]) -> None:
    """Give the folder `draft` its name `final`, with a list of its files and `facts`.

    The list is the file `list_name`: {"files": {name: bytes}, **facts}.
    """
    files = {path.name: path.stat().st_size for path in sorted(draft.iterdir())}
    for name in files:
        sync_file(draft / name)
    content = json.dumps({**facts, "files": files}, indent=2) + "\n"
    write_synced(draft / list_name, content.encode())
    sync_folder(draft)
    if final.exists():
        discard(final, draft.parent)
    os.rename(draft, final)
    sync_folder(final.parent)
    announce(final)


def read_whole(folder: Path, list_name: str) -> dict[str, Any] | None:
    """The facts of a folder if all its files are there with their sizes; else None.

    Files come back from S3 in any order, so one file's presence does not imply another's.
    """
    try:
        facts = json.loads((folder / list_name).read_bytes())
        files = {str(name): int(size) for name, size in facts["files"].items()}
        whole = all((folder / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return facts if whole else None


def discard(folder: Path, scratch: Path) -> None:
    """Remove `folder` via `scratch`: never half of it under its own name."""
    going = scratch / f"going-{folder.name}-{time.time_ns()}"
    os.rename(folder, going)
    shutil.rmtree(going)
