"""Checkpoints: written while training continues, readable by any number of processes."""

from __future__ import annotations

import shutil
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict

from failures import PassingError, TrainingError
from processes import Processes
from run_files import CHECKPOINT_LIST, checkpoint_folder, set_aside, whole_checkpoints
from whole import announce, discard, publish


class Checkpoints:
    """The checkpoints of one training run.

    Args:
        root: folder of the checkpoints.
        scratch: folder of those being written, on the same file system.
        keep: how many of the newest to keep.
        identity: what a checkpoint must have been made with, {name: value}.
        processes: all of them; every process calls every method.
    """

    def __init__(
        self,
        root: Path,
        scratch: Path,
        keep: int,
        identity: dict[str, Any],
        processes: Processes,
    ) -> None:
        self._root, self._scratch, self._keep = root, scratch, keep
        self._identity, self._processes = identity, processes
        self._writing: tuple[int, Future[Any], dict[str, Any]] | None = None
        self.newest = 0

    def prepare(self) -> int:
        """Create the folders and return the step of the newest complete checkpoint, 0 for none.

        Unfinished checkpoints of an earlier run are removed; incomplete ones are set aside.

        Raises:
            TrainingError: the newest is from another training run.
        """
        step = self._processes.together(lambda: self._find() if self._processes.rank == 0 else 0)
        step = self._processes.from_first(step)
        self.newest = step
        return step

    def _find(self) -> int:
        self._root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True, exist_ok=True)
        for name in set_aside(self._root):
            print(f"checkpoint {name} is incomplete: set aside", flush=True)
        found = whole_checkpoints(self._root)
        if not found:
            return 0
        step = max(found)
        made_with = found[step].get("identity", {})
        for what, value in self._identity.items():
            if made_with.get(what) != value:
                raise TrainingError(
                    f"{checkpoint_folder(self._root, step)} was made with {what} "
                    f"{made_with.get(what)}, requested is {value}. Keep the old value, or "
                    "choose another --results"
                )
        # An earlier run may have ended between the rename and this.
        announce(checkpoint_folder(self._root, step))
        return step

    def load(
        self, step: int, module: nn.Module, optimizer: torch.optim.Optimizer
    ) -> dict[str, Any]:
        """Load checkpoint `step` into model and optimizer; returns its `so_far`."""
        model_state, optimizer_state = get_state_dict(module, optimizer)
        state: dict[str, Any] = {"model": model_state, "optimizer": optimizer_state}
        dcp.load(
            state,
            checkpoint_id=checkpoint_folder(self._root, step),
            process_group=self._processes.saving,
        )
        set_state_dict(
            module,
            optimizer,
            model_state_dict=state["model"],
            optim_state_dict=state["optimizer"],
        )
        so_far: dict[str, Any] = whole_checkpoints(self._root)[step]["so_far"]
        return so_far

    def start(
        self, step: int, module: nn.Module, optimizer: torch.optim.Optimizer, so_far: dict[str, Any]
    ) -> None:
        """Begin to write the state after `step` steps; finish a pending write first.

        `so_far`: what else the next start needs, as JSON.
        """
        self.finish()
        if step == self.newest:
            return
        model_state, optimizer_state = get_state_dict(module, optimizer)
        future = dcp.async_save(
            {"model": model_state, "optimizer": optimizer_state},
            checkpoint_id=checkpoint_folder(self._scratch, step),
            process_group=self._processes.saving,
        )
        assert isinstance(future, Future)
        self._writing = step, future, so_far

    def look(self) -> None:
        """Give a checkpoint its final name if it has been written; does not wait."""
        if self._writing and self._writing[1].done():
            self._settle()

    def finish(self) -> None:
        """Wait until the pending checkpoint is written and has its final name."""
        if self._writing:
            self._settle()

    def _settle(self) -> None:
        assert self._writing is not None
        step, future, so_far = self._writing
        self._writing = None
        try:
            future.result()
            # The first process finishes last: it writes the metadata.
            if self._processes.rank == 0:
                self._publish(step, so_far)
        except (OSError, dcp.api.CheckpointException) as error:
            raise PassingError(
                f"the checkpoint of step {step} could not be written: {_reason(error)}. The "
                f"next start resumes from step {self.newest}, the newest complete checkpoint"
            ) from error
        self.newest = step

    def _publish(self, step: int, so_far: dict[str, Any]) -> None:
        facts = {"step": step, "identity": self._identity, "so_far": so_far}
        publish(
            checkpoint_folder(self._scratch, step),
            checkpoint_folder(self._root, step),
            CHECKPOINT_LIST,
            facts,
        )
        for old in sorted(whole_checkpoints(self._root))[: -self._keep]:
            discard(checkpoint_folder(self._root, old), self._scratch)


def _reason(error: BaseException) -> str:
    """The file system's message, which DCP wraps."""
    if isinstance(error, dcp.api.CheckpointException):
        inner = next(iter(error.failures.values()), (error,))[0]
        return str(inner)
    return str(error)
