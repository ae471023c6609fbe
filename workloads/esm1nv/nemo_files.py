"""What NeMo 1.x leaves behind, and which of it breaks its next start.

- `checkpoints/*-last.ckpt`: it resumes from the only one, and refuses to start if there are two.
  Lightning writes the new one, then removes the old, so a kill in between leaves both, or a part.
  https://github.com/NVIDIA/NeMo/blob/v1.20.0/nemo/utils/exp_manager.py (check_resume)
- Below the data set: indexes of lines, and sample maps, whose names do not identify the data. Both
  are written under their final names. https://github.com/NVIDIA/NeMo/blob/v1.20.0/nemo/
  collections/nlp/data/language_modeling/text_memmap_dataset.py
"""

from __future__ import annotations

import hashlib
import os
import pickletools
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lightning_checkpoint import step_of
from shared import say

LAST, ANY = "*-last.ckpt", "*.ckpt"
MAPS, LINES, LINES_INFO = "*_indexmap_*.npy", "*.idx.npy", "*.idx.info"
# Next to the data set, so that it goes to S3 and back with it.
OWNER = "_INDEXED"


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint; with model parallelism, a file of the same name in each rank's folder."""

    paths: tuple[Path, ...]
    step: int | None

    @property
    def name(self) -> str:
        """Its file name."""
        return self.paths[0].name

    @property
    def written(self) -> float:
        """When its last file was written, in seconds since 1970."""
        return max(path.stat().st_mtime for path in self.paths)


class Rules:
    """The files of one experiment below `results`, and those it created below `data`."""

    def __init__(self, results: Path, data: Path) -> None:
        self._results, self._data = results, data

    def newest_step(self) -> int:
        """Return the step of the newest checkpoint that NeMo resumes from; 0 without one."""
        found = [_checkpoints(folder, LAST) for folder in self._folders()]
        return max((each.step for all_ in found for each in all_ if each.step), default=0)

    def finished(self, max_steps: int) -> bool:
        """Return whether the last step is done."""
        return self.newest_step() >= max_steps

    def tidy(self) -> None:
        """Leave one `-last` checkpoint, the newest complete one, and only this data's indexes."""
        for folder in self._folders():
            self._keep_one(folder)
        self._forget_other_data()
        self._forget_broken_indexes()

    def _folders(self) -> list[Path]:
        return [each for each in self._results.rglob("checkpoints") if each.is_dir()]

    def _keep_one(self, folder: Path) -> None:
        lasts = _checkpoints(folder, LAST)
        kept = max((each for each in lasts if each.step), key=_step, default=None)
        # The others are kept for their validation loss; a newer one may be incomplete, too.
        since = kept.written if kept else 0.0
        newer = [each for each in _paths(folder, ANY) if not each[0].match(LAST)]
        others = [_read(each) for each in newer if max(p.stat().st_mtime for p in each) >= since]
        best = max((each for each in others if each.step), key=_step, default=None)
        if best and (kept is None or _step(best) > _step(kept)):
            kept = None
        for each in [*lasts, *(each for each in others if not each.step)]:
            if each is not kept:
                why = f"step {each.step}, not the newest" if each.step else "incomplete"
                self._set_aside(folder, each, why)
        if best and kept is None:
            self._copy_as_last(best)

    def _copy_as_last(self, checkpoint: Checkpoint) -> None:
        for path in checkpoint.paths:
            draft = path.with_suffix(".partial")
            shutil.copyfile(path, draft)
            os.replace(draft, path.with_name(f"{path.stem}-last.ckpt"))
        say(f"resuming from {checkpoint.name}, the newest complete checkpoint")

    def _set_aside(self, folder: Path, checkpoint: Checkpoint, why: str) -> None:
        """Move it next to the checkpoints, where NeMo does not look for any."""
        aside = folder.with_name("set-aside") / time.strftime("%Y%m%dT%H%M%S")
        for path in checkpoint.paths:
            place = aside / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
        say(f"set aside: {checkpoint.name} ({why}), to {aside}")

    def _forget_other_data(self) -> None:
        """Remove indexes and maps, unless they were made from the current data set."""
        try:
            now = hashlib.sha256((self._data / "_SUCCESS").read_bytes()).hexdigest()
        except FileNotFoundError:
            now = "no data set"
        owner = self._data / OWNER
        if owner.exists() and owner.read_text(encoding="utf-8") == now:
            return
        self._remove((MAPS, LINES, LINES_INFO), "from another data set")
        if self._data.is_dir():
            owner.write_text(now, encoding="utf-8")

    def _forget_broken_indexes(self) -> None:
        for pattern in (MAPS, LINES):
            for path in [*self._data.rglob(pattern)]:
                if not _is_whole_array(path):
                    _unlink([path], "incomplete")
        for path in [*self._data.rglob(LINES_INFO)]:
            if not _is_whole_pickle(path):
                _unlink([path], "incomplete")

    def _remove(self, patterns: Iterable[str], why: str) -> None:
        _unlink([path for pattern in patterns for path in self._data.rglob(pattern)], why)


def _unlink(paths: list[Path], why: str) -> None:
    for path in paths:
        path.unlink()
    if paths:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        say(f"removed: {paths[0]}{more} ({why})")


def _paths(folder: Path, pattern: str) -> list[tuple[Path, ...]]:
    """Return the files of each name; averaged weights (EMA) are not checkpoints."""
    by_name: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob(pattern)):
        if not path.stem.endswith("-EMA"):
            by_name.setdefault(path.name, []).append(path)
    return [tuple(paths) for paths in by_name.values()]


def _checkpoints(folder: Path, pattern: str) -> list[Checkpoint]:
    return [_read(paths) for paths in _paths(folder, pattern)]


def _read(paths: tuple[Path, ...]) -> Checkpoint:
    """Read a whole checkpoint: it is complete if each rank's file is, all of one step."""
    ranks = len({path.parent for path in paths[0].parent.parent.glob(f"*/{ANY}")})
    in_ranks = "_rank_" in paths[0].parent.name
    steps = {step_of(path) for path in paths}
    whole = len(steps) == 1 and (not in_ranks or len(paths) == ranks)
    return Checkpoint(paths, steps.pop() if whole else None)


def _step(checkpoint: Checkpoint) -> int:
    return checkpoint.step or 0


def _is_whole_array(path: Path) -> bool:
    """Whether a file holds as many numbers as its header says."""
    import numpy as np  # missing where only steps are read

    try:
        np.load(path, mmap_mode="r")
    except (ValueError, EOFError, OSError):
        return False
    return True


def _is_whole_pickle(path: Path) -> bool:
    try:
        for _ in pickletools.genops(path.read_bytes()):
            pass
    except ValueError:
        return False
    return True
