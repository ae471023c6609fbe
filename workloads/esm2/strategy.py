"""How the GPUs share the model."""

from __future__ import annotations

DDP, FSDP = "ddp", "fsdp"
# From about 1 G parameters on, a replica of weights, gradients and the optimizer's state (16 bytes
# per parameter) takes too much of a GPU.
SHARDED_FROM = 1_000_000_000


def strategy(asked: str, parameters: int) -> str:
    """`asked`, or for auto the one that suits this number of parameters."""
    if asked != "auto":
        return asked
    return FSDP if parameters >= SHARDED_FROM else DDP
