"""One model on many devices: replicated (DDP) or sharded (FSDP2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from model import Esm2
from processes import Processes
from strategy import FSDP


class Parallel:
    """The model on all processes.

    Args:
        model: the same on each process, on the CPU.
        processes: all of them.
        how: DDP or FSDP.
        bf16: compute in bf16; weights and sums of gradients stay fp32.
        compiled: compile the layers.
    """

    def __init__(
        self, model: Esm2, processes: Processes, how: str, bf16: bool, compiled: bool
    ) -> None:
        self._device = processes.device
        if compiled:
            for layer in model.esm.encoder.layer:
                layer.compile()
        self.module: nn.Module
        self._autocast = False
        if how == FSDP:
            self.module = _sharded(model, processes, bf16)
        else:
            model.to(processes.device)
            self._autocast = bf16
            self.module = DistributedDataParallel(model) if processes.world > 1 else model

    @contextmanager
    def computing(self) -> Iterator[None]:
        """The context for the model's passes."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            yield

    @contextmanager
    def accumulating(self, last: bool) -> Iterator[None]:
        """The context of one of several backward passes; `last`: of the last one.

        DDP reduces gradients over processes only in the last pass; FSDP in each, because keeping
        them unsharded would take as much memory as DDP.
        """
        if isinstance(self.module, DistributedDataParallel) and not last:
            with self.module.no_sync():
                yield
        else:
            yield

    def clip(self, most: float) -> float:
        """Scale the gradients down to the norm `most`; return the norm before."""
        norm: Tensor = nn.utils.clip_grad_norm_(self.module.parameters(), most)
        if isinstance(norm, DTensor):
            norm = norm.full_tensor()
        return float(norm)


def _sharded(model: Esm2, processes: Processes, bf16: bool) -> nn.Module:
    mesh = init_device_mesh(processes.device.type, (processes.world,))
    # The inputs are not cast: sines and cosines stay fp32.
    policy = MixedPrecisionPolicy(
        param_dtype=torch.bfloat16 if bf16 else None,
        reduce_dtype=torch.float32,
        cast_forward_inputs=False,
    )
    for layer in model.esm.encoder.layer:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)
    assert isinstance(model, FSDPModule)
    # fully_shard neither shards buffers nor moves them to the device.
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            module.register_buffer(name, buffer.to(processes.device))
    return model
