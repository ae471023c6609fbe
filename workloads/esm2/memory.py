"""Estimates how much GPU memory a training takes; needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from architecture import Architecture
from strategy import FSDP
from tokens import TOKENS

GB = 1e9
# CUDA's context, NCCL's buffers, kernels' workspaces and the allocator's gaps.
RESERVED = 3 * GB
_FP32, _BF16 = 4, 2


@dataclass(frozen=True)
class Estimate:
    """Bytes on one device at the peak.

    Attributes:
        weights: fp32, and the bf16 copies.
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
        """The sum of all."""
        return self.weights + self.gradients + self.optimizer + self.activations

    def __str__(self) -> str:
        return (
            f"{self.total / GB:.1f} GB (weights {self.weights / GB:.1f}, gradients "
            f"{self.gradients / GB:.1f}, optimizer {self.optimizer / GB:.1f}, activations "
            f"{self.activations / GB:.1f})"
        )


def layer_activations(architecture: Architecture, bf16: bool, autocast: bool) -> float:
    """Bytes per token that one layer keeps for its backward pass.

    fp32: input of both norms, both norms' outputs, query, key and value before and after the
    rotation, the attention's output and its two copies, the feed-forward layer before and after
    GELU. Autocast keeps the residual stream in fp32 and casts the inputs of linear layers.
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
    # Of a sharded model, two layers and their gradients are whole at a time.
    whole = 2 * architecture.layer_parameters if sharded and world > 1 else 0
    weights = _FP32 * share + (_BF16 if bf16 else _FP32) * whole
    # Autocast casts a replica's matrices and keeps them until the end of the pass.
    if bf16 and not sharded:
        weights += _BF16 * architecture.parameters
    # DDP's buckets are a second copy of the gradients.
    copies = 2 if not sharded and world > 1 else 1
    gradients = _FP32 * (copies * share + whole)
    layer = layer_activations(architecture, bf16, bf16 and not sharded)
    stream = (_BF16 if bf16 and sharded else _FP32) * architecture.hidden
    kept = architecture.layers * (stream if recompute else layer)
    once = layer if recompute else _FP32 * architecture.feed_forward
    predicted = 0.15 * _FP32 * (3 * len(TOKENS) + 5 * architecture.hidden)
    return Estimate(weights, gradients, 2 * _FP32 * share, tokens * (kept + once + predicted))


def too_much(needed: Estimate, least: Estimate, there: float, recompute: bool) -> tuple[str, ...]:
    """Settings to change so that `needed` fits, the best first; none if it does.

    `least`: the same with one unit at a time; `there`: bytes of one device.
    """
    if needed.total <= there:
        return ()
    if needed.total - needed.activations > there:
        return "parallel", "size"
    if least.total <= there:
        return ("units_at_once",)
    return ("unit_tokens",) if recompute else ("recompute", "unit_tokens")
