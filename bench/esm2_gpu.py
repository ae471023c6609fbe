"""Measures what only a GPU can show: speed, memory, attention, checkpoints, fp8.

    python -m bench.esm2_gpu [--sizes 8M 35M 150M 650M 3B] [--parts speed attention]

For one GPU of sm80 or newer, such as an H100, in the training image. Needs PyTorch and NumPy, but
no network and no data set. --device cpu --tokens 1024 --sizes 8M checks that the program runs.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workloads" / "esm2"))
sys.path.insert(1, str(ROOT / "workloads" / "common"))
# Tokens/s of each of 16 GPUs: https://docs.nvidia.com/bionemo-framework/latest/models/ESM-2/
PUBLISHED = {
    ("650M", "A100"): 42_500,
    ("650M", "H100"): 96_000,
    ("3B", "A100"): 11_000,
    ("3B", "H100"): 26_800,
}
LONGEST, MEAN_LENGTH = 1024, 290
HEAD_SIZES = (16, 24, 32, 64)  # of 8M, 35M, 150M, and of 650M and 3B
NEAR = 2e-2  # bf16 against fp32, relative to the largest value
GB = 1e9


def unit(tokens: int, seed: int) -> Any:
    """A unit of made-up sequences, with lengths as in UniRef50, masked as in training."""
    from batches import Unit
    from masking import mask
    from tokens import CLS, EOS

    chance = np.random.default_rng(seed)
    starts = [0]
    while starts[-1] < tokens:
        length = int(np.clip(chance.gamma(2.0, MEAN_LENGTH / 2.0), 20, LONGEST))
        starts.append(min(tokens, starts[-1] + length))
    if starts[-1] - starts[-2] < 3:
        del starts[-2]
    whole = chance.integers(4, 24, tokens)
    whole[starts[:-1]], whole[np.array(starts[1:]) - 1] = CLS, EOS
    seen, places = mask(whole, chance)
    return Unit(seen, np.array(starts), places, whole[places], np.zeros(256, np.int64))


class Trained:
    """A model on the device, and its training step, as in workloads/esm2/loop.py."""

    def __init__(
        self, size: str, tokens: int, processes: Any, recompute: bool, in_fp8: bool = False
    ) -> None:
        import fp8
        from architecture import SIZES
        from model import Esm2
        from optimizer import make_optimizer, set_rate
        from parallel import Parallel
        from strategy import DDP

        self.processes, self.tokens = processes, tokens
        on_gpu = processes.device.type == "cuda"
        model = Esm2(SIZES[size], recompute)
        model.initialize(0)
        if in_fp8:
            fp8.convert(model)
        self.parallel = Parallel(model, processes, DDP, bf16=on_gpu or in_fp8, compiled=on_gpu)
        self.optimizer = make_optimizer(self.parallel.module)
        set_rate(self.optimizer, 1e-4)

    def step(self, number: int) -> float:
        """Forward, backward, optimizer; return the loss."""
        from rows import row

        one = row([unit(self.tokens, number)], self.processes.device, self.tokens, LONGEST)
        with self.parallel.computing():
            logits = self.parallel.module(one.tokens, one.boundaries, one.places)
        loss = cross_entropy(logits.float(), one.targets)
        loss.backward()
        self.parallel.clip(1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(loss.detach())


def settle(device: torch.device) -> None:
    """Wait for the GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[int], Any], times: int, device: torch.device) -> float:
    """Mean wall time of a call, after three warm-up calls."""
    for number in range(3):
        work(number)
    settle(device)
    began = time.perf_counter()
    for number in range(times):
        work(number)
    settle(device)
    return (time.perf_counter() - began) / times


def speed(size: str, tokens: int, times: int, processes: Any) -> bool:
    """Tokens/s, MFU and memory of one size, with the estimate and NVIDIA's published figure."""
    from architecture import SIZES
    from memory import estimate
    from metrics import memory_gb, peak_rate
    from room import available
    from strategy import DDP

    device, model = processes.device, SIZES[size]
    there = available(device)
    for recompute in (False, True):
        estimated = estimate(
            *(model, tokens), how=DDP, world=1, bf16=device.type == "cuda", recompute=recompute
        )
        if estimated.total <= there:
            break
    else:
        print(f"{size}: skipped: one GPU would need {estimated}, but has {there / GB:.0f} GB")
        return True
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    rate = tokens / seconds(Trained(size, tokens, processes, recompute).step, times, device)
    peak = peak_rate(device)
    used = f", MFU {rate * model.flops_per_token(MEAN_LENGTH) / peak:.0%}" if peak else ""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    published = next(
        (f"; NVIDIA {n:,}" for (s, g), n in PUBLISHED.items() if s == size and g in name), ""
    )
    print(
        f"{size}{' recomputed' if recompute else ''}: {rate:,.0f} tokens/s{used}{published}; "
        f"{memory_gb(device):.1f} GB at the peak, estimated {estimated.total / GB:.1f}",
        flush=True,
    )
    return True


def loop(query: Tensor, key: Tensor, value: Tensor, starts: list[int]) -> Tensor:
    """Attention sequence by sequence, all of shape (tokens, heads, channels)."""
    parts = []
    for start, stop in itertools.pairwise(starts):
        q, k, v = (x[start:stop].transpose(0, 1)[None] for x in (query, key, value))
        parts.append(scaled_dot_product_attention(q, k, v, scale=1.0)[0].transpose(0, 1))
    return torch.cat(parts)


def attention_kernel(tokens: int, times: int, device: torch.device) -> bool:
    """Compare the kernel and the loop in bf16 with the loop in fp32, and time both."""
    from attention import Boundaries, attention

    starts = unit(tokens, 0).starts.tolist()
    boundaries = Boundaries.of(starts, device, LONGEST if device.type == "cuda" else 0)
    near = True
    for channels in HEAD_SIZES:
        shape = (tokens, 20, channels)
        random = torch.Generator().manual_seed(channels)
        whole = [torch.randn(shape, generator=random) * channels**-0.25 for _ in range(3)]
        exact = loop(whole[0].to(device), whole[1].to(device), whole[2].to(device), starts)
        query, key, value = (x.to(device, torch.bfloat16).requires_grad_() for x in whole)
        ways: dict[str, Callable[[], Tensor]] = {
            "kernel": partial(attention, query, key, value, boundaries),
            "loop": partial(loop, query, key, value, starts),
        }
        said = []
        for name, way in ways.items():
            off = float((way().detach().float() - exact).abs().max() / exact.abs().max())
            near = near and off <= NEAR
            took = seconds(partial(backward, way), times, device)
            said.append(f"{name} off by {off:.1e}, {took * 1e3:.2f} ms")
        print(f"attention, head size {channels}: {'; '.join(said)}", flush=True)
    return near


def checkpoint(size: str, tokens: int, processes: Any) -> bool:
    """Check that a checkpoint written during steps has the state from when it was started."""
    from checkpoints import Checkpoints

    trained = Trained(size, tokens, processes, False)
    for number in range(3):
        trained.step(number)
    module = trained.parallel.module
    with tempfile.TemporaryDirectory() as name:
        kept = Checkpoints(Path(name, "kept"), Path(name, "scratch"), 1, {}, processes)
        kept.prepare()
        wanted = {key: value.detach().cpu().clone() for key, value in module.state_dict().items()}
        began = time.perf_counter()
        kept.start(3, module, trained.optimizer, {})
        blocked, steps = time.perf_counter() - began, 0
        while not kept.newest:
            trained.step(3 + steps)
            steps += 1
            kept.look()
        took = time.perf_counter() - began
        kept.load(3, module, trained.optimizer)
    same = all(torch.equal(wanted[key], value.cpu()) for key, value in module.state_dict().items())
    print(
        f"checkpoint of {size}: {blocked:.2f} s until the next step, {took:.1f} s in total, "
        f"{steps} steps meanwhile; {'bit for bit' if same else 'DIFFERS'}"
    )
    return same


def in_fp8(sizes: list[str], tokens: int, times: int, processes: Any) -> bool:
    """Compare the program's fp8 with bf16, one layer and whole steps: bench/esm2_fp8.py."""
    import fp8
    from architecture import SIZES
    from bench.esm2_fp8 import fp8_layers, fp8_steps
    from failures import TrainingError

    device = processes.device
    try:
        if device.type == "cuda":
            fp8.check(device, SIZES[sizes[0]], tokens)
        fp8.engine()
    except TrainingError as error:
        print(f"fp8: {error}")
        return True
    near = fp8_layers(sizes, tokens, times, device, seconds)
    made = partial(_trained, tokens, processes)
    return fp8_steps(sizes, times, made, seconds) and near


def _trained(tokens: int, processes: Any, size: str, in_fp8: bool) -> Trained:
    # Recomputed from 3B on, so that AdamW's state of a whole replica leaves room.
    return Trained(size, tokens, processes, size in ("3B", "15B"), in_fp8)


def backward(work: Callable[[], Tensor], number: int = 0) -> None:
    """Run `work` forward and backward."""
    work().sum().backward()


PARTS = ("speed", "attention", "checkpoint", "fp8")


def main() -> int:
    """Print the results; return 1 if something is wrong."""
    from architecture import SIZES
    from processes import join

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--sizes", nargs="+", default=["8M", "35M", "150M", "650M", "3B"], choices=SIZES
    )
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--tokens", type=int, default=16_384, help="tokens per unit")
    parser.add_argument("--times", type=int, default=20, help="steps to time")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    options = parser.parse_args()
    processes = join(options.device, 600.0)
    device = processes.device
    torch.set_float32_matmul_precision("high")
    well = []
    for size in options.sizes if "speed" in options.parts else ():
        well.append(speed(size, options.tokens, options.times, processes))
    if "attention" in options.parts:
        well.append(attention_kernel(options.tokens, options.times, device))
    if "checkpoint" in options.parts:
        size = "650M" if "650M" in options.sizes else options.sizes[0]
        well.append(checkpoint(size, options.tokens, processes))
    if "fp8" in options.parts:
        well.append(in_fp8(options.sizes, options.tokens, options.times, processes))
    return int(not all(well))


if __name__ == "__main__":
    raise SystemExit(main())
