"""The processes of a training run: this one's rank and device, and agreement among all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist

from failures import SharedError, TrainingError

_T = TypeVar("_T")

# The first with bf16 and varlen_attn's kernel: A100, A10G and all later ones.
LEAST_CAPABILITY = (8, 0)


@dataclass(frozen=True)
class Processes:
    """This process and its groups.

    Attributes:
        rank, world: its number, and how many there are.
        device: where the model is.
        host: process group (gloo) for agreement; only for the main thread.
        saving: process group (gloo) for the thread that writes checkpoints.
    """

    rank: int
    world: int
    device: torch.device
    host: Any
    saving: Any

    def total(self, *values: float) -> list[float]:
        """The sums of `values` over all processes."""
        sums = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(sums, group=self.host)
        found: list[float] = sums.tolist()
        return found

    def from_first(self, value: Any) -> Any:
        """The `value` of process 0."""
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self.host)
        return box[0]

    def together(self, work: Callable[[], _T]) -> _T:
        """Return `work()`; if it fails on one process, fail on all with one message.

        Raises:
            SharedError: for a TrainingError on any process.
        """
        result, problem = None, None
        try:
            result = work()
        except TrainingError as error:
            problem = str(error)
        problems: list[str | None] = [None] * self.world
        dist.all_gather_object(problems, problem, group=self.host)
        for each in problems:
            if each is not None:
                raise SharedError(each)
        return cast("_T", result)

    def wait(self) -> None:
        """Wait for all processes."""
        dist.barrier(group=self.host)

    def say(self, text: str) -> None:
        """Print `text` once, not once per process."""
        if self.rank == 0:
            print(text, flush=True)


def find_device(asked: str, local_rank: int) -> torch.device:
    """The device of the process that is number `local_rank` on its node.

    `asked`: auto, cpu or cuda.

    Raises:
        TrainingError: there is none, or it cannot be used.
    """
    if asked == "cpu" or (asked == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if local_rank >= count:
        raise TrainingError(
            f"--device {asked}: process {local_rank} of this node has no GPU, {count} are visible. "
            "Start as many processes as GPUs, or choose --device cpu"
        )
    device = torch.device("cuda", local_rank)
    capability = torch.cuda.get_device_capability(device)
    if capability < LEAST_CAPABILITY:
        raise TrainingError(
            f"{torch.cuda.get_device_name(device)} (sm{capability[0]}{capability[1]}) cannot be "
            "used: the training needs bf16 and its attention kernel, so sm80 or later (A100, "
            "A10G, L4, L40S, H100, B200)"
        )
    torch.cuda.set_device(device)
    return device


def join(asked: str, patience: float) -> Processes:
    """Join the other processes that torchrun has started; without torchrun there is only this one.

    `patience`: seconds that a collective operation may take.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    device = find_device(asked, int(os.environ.get("LOCAL_RANK", "0")))
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    timeout = timedelta(seconds=patience)
    if "RANK" in os.environ:
        dist.init_process_group(backend, timeout=timeout)
    else:
        world = 1
        dist.init_process_group(
            backend, timeout=timeout, store=dist.HashStore(), rank=0, world_size=1
        )
    groups = [dist.new_group(backend="gloo", timeout=timeout) for _ in range(2)]
    return Processes(dist.get_rank(), world, device, *groups)
