"""How much memory a training takes, before it takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from architecture import Architecture
from failures import TrainingError
from parallel import FSDP
from vocabulary import TOKENS

GB = 1e9
# CUDA's context, NCCL's buffers, kernels' workspaces and the allocator's gaps.
RESERVED = 3 * GB
_FP32, _BF16 = 4, 2


@dataclass(frozen=True)
class Estimate:
    """Bytes on one device at the peak.

    Attributes:
        weights: fp32, and of what computes in bf16 the copies.
        gradients: fp32.
        optimizer: AdamW's two averages.
        activations: kept for the backward pass of one pass.
    """

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.weights + self.gradients + self.optimizer + self.activations

    def __str__(self) -> str:
        return (
            f"{self.total / GB:.1f} GB (weights {self.weights / GB:.1f}, gradients "
            f"{self.gradients / GB:.1f}, optimizer {self.optimizer / GB:.1f}, activations "
            f"{self.activations / GB:.1f})"
        )


def layer_activations(architecture: Architecture, bf16: bool, autocast: bool) -> float:
    """Bytes that one layer keeps for its backward pass, for each token.

    fp32: input of both norms, both norms' outputs, query, key and value as they were before and
    after the rotation, the attention's output and its two copies, the feed-forward layer before
    and after GELU. Autocast keeps the residual stream in fp32 and casts what linear layers take.
    """
    hidden, wide = architecture.hidden, architecture.feed_forward
    if not bf16:
        return _FP32 * (11 * hidden + 2 * wide)
    stream = _FP32 if autocast else _BF16
    casts = 2 * hidden if autocast else 0
    # The rotation computes in fp32 and keeps the halves of query and key.
    return 4 * stream * hidden + _BF16 * (5 * hidden + 2 * wide + casts) + 2 * _FP32 * hidden


def estimate(
    architecture: Architecture,
    tokens: int,
    *,
    how: str,
    world: int,
    bf16: bool,
    recompute: bool,
) -> Estimate:
    """What one device needs to train on `tokens` tokens at once.

    `how`: DDP or FSDP over `world` devices; `recompute`: activation checkpointing.
    """
    sharded = how == FSDP
    share = architecture.parameters / (world if sharded else 1)
    # Of a sharded model two layers are whole at a time, and their gradients.
    whole = 2 * architecture.layer_parameters if sharded and world > 1 else 0
    weights = _FP32 * share + (_BF16 if bf16 else _FP32) * whole
    # A replica's matrices are cast by autocast, and kept until the end of the pass.
    if bf16 and not sharded:
        weights += _BF16 * architecture.parameters
    # DDP's buckets are a second copy of the gradients.
    copies = 2 if not sharded and world > 1 else 1
    gradients = _FP32 * (copies * share + whole)
    layer = layer_activations(architecture, bf16, bf16 and not sharded)
    stream = (_BF16 if bf16 and sharded else _FP32) * architecture.hidden
    kept = architecture.layers * (stream if recompute else layer)
    once = layer if recompute else _FP32 * architecture.feed_forward
    told = 0.15 * _FP32 * (3 * len(TOKENS) + 5 * architecture.hidden)
    return Estimate(weights, gradients, 2 * _FP32 * share, tokens * (kept + once + told))


def available(device: torch.device) -> float:
    """Bytes that this process may use of `device`'s memory."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free - RESERVED
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, value = line.split(":")
        if name == "MemAvailable":
            machine = float(value.split()[0]) * 1024
            return min(machine, _container_limit())
    return float("inf")


def _container_limit() -> float:
    try:
        return float(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no container, or "max"
        return float("inf")


def demand(needed: Estimate, least: Estimate, there: float, tokens: int, recompute: bool) -> None:
    """Make sure that `needed` is there.

    `least`: the same with one unit at a time; `tokens`: of a unit.

    Raises:
        TrainingError: it is not; the text tells which setting to change.
    """
    if needed.total <= there:
        return
    if needed.total - needed.activations > there:
        what = "choose --parallel fsdp with more GPUs, GPUs with more memory, or a smaller --size"
    elif least.total <= there:
        what = "choose a smaller --units-at-once"
    elif not recompute:
        what = "choose --recompute, or a smaller --unit-tokens"
    else:
        what = f"choose a smaller --unit-tokens than {tokens}"
    raise TrainingError(
        f"too little memory: one process needs about {needed}, there are "
        f"{there / GB:.1f} GB: {what}"
    )
