"""Compares the memory estimate with measurements.

    .venv-training/bin/python -m bench.esm2_memory [--sizes 150M 650M 3B]

Peaks of training steps in fp32: with FakeTensor's tracker (which allocates nothing), or with
--measure of real steps, as the growth of a process's resident memory (Linux).
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from bench.esm2_runs import ROOT

sys.path.insert(0, str(ROOT / "workloads" / "esm2"))
sys.path.insert(1, str(ROOT / "workloads" / "common"))
TOKENS, LONGEST = 16_384, 4096
GB = 1e9


def step(
    size: str, tokens: int, recompute: bool, before: Callable[[], object] = lambda: None
) -> None:
    """Forward, backward and the optimizer on sequences of LONGEST tokens, twice.

    Only the second step has the optimizer's state and activations at once. `before` is called
    before each.
    """
    from architecture import SIZES
    from attention import Boundaries
    from model import Esm2
    from optimizer import make_optimizer

    model = Esm2(SIZES[size], recompute)
    optimizer = make_optimizer(model)
    starts = [*range(0, tokens, LONGEST), tokens]
    row = Boundaries(torch.tensor(starts, dtype=torch.int32), tokens, LONGEST, tuple(starts))
    places = torch.arange(0, tokens, 7)
    for _ in range(2):
        before()
        optimizer.zero_grad()
        logits = model(torch.full((tokens,), 5), row, places)
        cross_entropy(logits, torch.full((len(places),), 5)).backward()
        optimizer.step()


def faked(size: str, tokens: int, recompute: bool) -> float:
    """Peak bytes of a step with fake tensors, which have no memory."""
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    with FakeTensorMode(), MemTracker() as tracker:
        step(size, tokens, recompute, tracker.reset_mod_stats)
    peak = tracker.get_tracker_snapshot("peak")
    return float(max(each["Total"] for each in peak.values()))


def measured(size: str, tokens: int, recompute: bool) -> float:
    """Bytes by which a step raises the resident memory of a new process, at its peak."""
    # So that the C library returns what is freed at once: gaps are not the program's need.
    # https://man7.org/linux/man-pages/man3/mallopt.3.html
    os.environ |= {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_grown, size, tokens, recompute).result()


def _grown(size: str, tokens: int, recompute: bool) -> float:
    torch.set_num_threads(1)
    step(size, 1024, recompute)  # loads the libraries
    gc.collect()
    before = _resident("VmRSS")
    # https://www.kernel.org/doc/html/latest/filesystems/proc.html: 5 resets the peak.
    Path("/proc/self/clear_refs").write_text("5")
    step(size, tokens, recompute)
    return _resident("VmHWM") - before


def _resident(field: str) -> float:
    """Bytes of a field of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def main() -> int:
    """Print estimate and peak per size; return 1 if they are more than a quarter apart."""
    from architecture import SIZES
    from memory import estimate

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--sizes", nargs="+", default=["150M", "650M", "3B"], choices=SIZES)
    parser.add_argument("--measure", action="store_true", help="run real steps of the given sizes")
    parser.add_argument("--tokens", type=int, default=TOKENS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    far = 0
    for size, recompute in itertools.product(options.sizes, (False, True)):
        estimated = estimate(
            *(SIZES[size], options.tokens), how="ddp", world=1, bf16=False, recompute=recompute
        )
        work = measured if options.measure else faked
        peak = work(size, options.tokens, recompute)
        ratio = estimated.total / peak
        far += not 0.75 <= ratio <= 1.25
        print(
            f"{size}{', recomputed' if recompute else ''}: estimate {estimated}, peak "
            f"{peak / GB:.2f} GB: {ratio:.2f} times",
            flush=True,
        )
    return int(far > 0)


if __name__ == "__main__":
    raise SystemExit(main())
