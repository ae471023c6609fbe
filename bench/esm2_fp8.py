"""The part fp8 of bench/esm2_gpu.py: the program's own fp8 layers beside bf16."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

# How far the loss of a step in fp8 may be from the same step in bf16, nats, and a layer's output
# from fp32's, as a share of its norm: assumed, to be replaced by what a GPU shows.
NEAR, LAYER_NEAR = 0.05, 0.1
Seconds = Callable[[Callable[[int], Any], int, torch.device], float]


def fp8_layers(
    sizes: list[str], tokens: int, times: int, device: torch.device, seconds: Seconds
) -> bool:
    """One transformer layer of each size, forward and backward, in bf16 and in fp8."""
    near = True
    for size in sizes:
        said = []
        for name in ("bf16", "fp8"):
            run, off = _layer(size, tokens, device, name == "fp8")
            near = near and off <= LAYER_NEAR
            said.append(f"{name} {seconds(run, times, device) * 1e3:.2f} ms, off by {off:.1e}")
        print(f"a layer of {size}: {'; '.join(said)}", flush=True)
    return near


def _layer(
    size: str, tokens: int, device: torch.device, in_fp8: bool
) -> tuple[Callable[[int], None], float]:
    """A layer's passes, and how far its output is from fp32's, as a share of the norm."""
    import fp8
    from architecture import SIZES, Architecture
    from attention import Boundaries
    from model import Esm2

    one = Architecture(1, SIZES[size].hidden, SIZES[size].heads, SIZES[size].feed_forward)
    model = Esm2(one)
    model.initialize(0)
    # Only the layer's change counts: its input passes through unchanged. On the CPU, in fp32.
    x = torch.randn(tokens, one.hidden, generator=torch.Generator().manual_seed(0))
    starts = [*range(0, tokens, 256), tokens]
    host = torch.device("cpu")
    boundaries = Boundaries.of(starts, host)
    with torch.no_grad():
        cosine, sine = model.esm.rotary_embeddings(boundaries)
        exact = model.esm.encoder.layer[0](x, cosine, sine, boundaries) - x
    if in_fp8:
        fp8.convert(model)
    layer = model.to(device).esm.encoder.layer[0]
    there: tuple[Any, ...] = (cosine.to(device), sine.to(device))
    there += (Boundaries.of(starts, device, 256),)
    onto = x.to(device)
    off = float((_output(layer, onto, there).detach().cpu() - x - exact).norm() / exact.norm())
    return partial(_passes, layer, onto.requires_grad_(), there), off


def _output(layer: nn.Module, x: Tensor, rest: tuple[Any, ...]) -> Tensor:
    with torch.autocast(x.device.type, torch.bfloat16):
        found: Tensor = layer(x, *rest)
    return found


def _passes(layer: nn.Module, x: Tensor, rest: tuple[Any, ...], number: int) -> None:
    _output(layer, x, rest).float().sum().backward()


def fp8_steps(
    sizes: list[str], times: int, trained: Callable[[str, bool], Any], seconds: Seconds
) -> bool:
    """Whole steps: their time, and how far the losses of `times` steps are from bf16's.

    `trained`: makes the model to train, of a size, in fp8 or in bf16.
    """
    well = True
    for size in sizes:
        losses, took = [], []
        for in_fp8 in (False, True):
            model = trained(size, in_fp8)
            losses.append([model.step(number) for number in range(times)])
            took.append(seconds(model.step, times, model.processes.device))
            del model
        apart = [abs(in_fp8 - in_bf16) for in_bf16, in_fp8 in zip(*losses, strict=True)]
        most = max(apart) if all(map(math.isfinite, apart)) else math.inf
        well = well and most <= NEAR
        print(
            f"steps of {size}: bf16 {took[0] * 1e3:.1f} ms, fp8 {took[1] * 1e3:.1f} ms; over "
            f"{times} steps the losses are at most {most:.4f} apart, {sum(apart) / times:.4f} on "
            f"average; the last: bf16 {losses[0][-1]:.4f}, fp8 {losses[1][-1]:.4f}",
            flush=True,
        )
    return well
