"""The memory estimate beside what is measured.

    .venv-training/bin/python -m bench.esm2_memory [--sizes 150M 650M 3B]

Peaks of a training's steps in fp32: of FakeTensor's tracker (which allocates nothing), and with
--measure of a real step of the smallest model, as growth of the process's resident memory.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch
from torch.nn.functional import cross_entropy

from bench.esm2_runs import ROOT

sys.path.insert(0, str(ROOT / "workloads" / "esm2"))
sys.path.insert(1, str(ROOT / "workloads" / "common"))
TOKENS, LONGEST = 16_384, 1024
GB = 1e9


def step(
    size: str, tokens: int, recompute: bool, before: Callable[[], object] = lambda: None
) -> None:
    """Forward, backward and the optimizer on sequences of LONGEST tokens, twice.

    Only the second time is the optimizer's state there while activations are. `before` is called
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
    """Bytes at the peak of a step in which no tensor has memory."""
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    with FakeTensorMode(), MemTracker() as tracker:
        step(size, tokens, recompute, tracker.reset_mod_stats)
    peak = tracker.get_tracker_snapshot("peak")
    return float(max(each["Total"] for each in peak.values()))


def measured(size: str, tokens: int, recompute: bool) -> float:
    """Bytes by which a process's peak of resident memory grows with a step; one of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_grown, size, tokens, recompute).result()


def _grown(size: str, tokens: int, recompute: bool) -> float:
    torch.set_num_threads(1)

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    step(size, LONGEST, recompute)  # what libraries take
    before = peak()
    step(size, tokens, recompute)
    return float(peak() - before)


def main() -> int:
    """Print estimate and peak of each size; 1 where they are more than a quarter apart."""
    from architecture import SIZES
    from memory import estimate

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--sizes", nargs="+", default=["150M", "650M", "3B"], choices=SIZES)
    parser.add_argument("--measure", action="store_true", help="a real step, of the sizes named")
    parser.add_argument("--tokens", type=int, default=TOKENS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    far = 0
    for size, recompute in itertools.product(options.sizes, (False, True)):
        told = estimate(
            *(SIZES[size], options.tokens), how="ddp", world=1, bf16=False, recompute=recompute
        )
        work = measured if options.measure else faked
        peak = work(size, options.tokens, recompute)
        ratio = told.total / peak
        far += not 0.75 <= ratio <= 1.25
        print(
            f"{size}{', recomputed' if recompute else ''}: estimate {told}, peak "
            f"{peak / GB:.1f} GB: {ratio:.2f} times",
            flush=True,
        )
    return int(far > 0)


if __name__ == "__main__":
    raise SystemExit(main())
