"""Compares the speed of a step with EsmForMaskedLM on padded batches; also times the loader.

    .venv-training/bin/python -m bench.esm2_speed [--size 8M] [--runs 5]

One process, one thread, fp32. Both get the same sequences with the same masks; only tokens other
than padding count. The two run in turn, so that other load on the machine affects both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from bench.esm2_data import ROOT, prepare, proteins

sys.path.insert(0, str(ROOT / "workloads" / "esm2"))
sys.path.insert(1, str(ROOT / "workloads" / "common"))
# Tokens/s that NVIDIA publishes for ESM-2 650M on an H100, times the eight of a p5 node.
P5_NODE = 8 * 96_000
LONGEST, UNIT = 1024, 4096
MEAN_LENGTH = 290


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def packed_step(size: Any, unit: Any) -> Callable[[], Any]:
    """A step of this project's model on a unit."""
    from model import Esm2
    from optimizer import make_optimizer, set_rate
    from rows import row

    model = Esm2(size)
    model.initialize(0)
    optimizer = make_optimizer(model)
    set_rate(optimizer, 1e-4)

    def step() -> None:
        one = row([unit], torch.device("cpu"))
        loss = cross_entropy(model(one.tokens, one.boundaries, one.places), one.targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def padded_step(size: Any, unit: Any) -> tuple[Callable[[], Any], float]:
    """The same with EsmForMaskedLM, and the share of padding."""
    from transformers import EsmConfig, EsmForMaskedLM

    from tokens import PAD

    model = EsmForMaskedLM(EsmConfig(**size.as_config())).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    labels = np.full(len(unit.tokens), -100)
    labels[unit.places] = unit.targets
    lengths = np.diff(unit.starts)
    shape = (len(lengths), int(lengths.max()))
    mask = torch.from_numpy(np.arange(shape[1]) < lengths[:, None])
    ids = torch.full(shape, PAD).masked_scatter(mask, torch.from_numpy(unit.tokens))
    wanted = torch.full(shape, -100).masked_scatter(mask, torch.from_numpy(labels))

    def step() -> None:
        model(input_ids=ids, attention_mask=mask.long(), labels=wanted).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step, 1 - float(mask.float().mean())


def loader_rate(units: Any) -> float:
    """Tokens/s of reading, packing and masking on one core."""
    began, tokens = time.perf_counter(), 0
    for number in range(len(units)):
        tokens += len(units.training(number).tokens)
    return tokens / (time.perf_counter() - began)


def main() -> int:
    """Print the medians."""
    from architecture import SIZES
    from batches import Units
    from dataset import index_files, open_data_set, open_split

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--size", default="8M", choices=SIZES)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = prepare(Path(name), proteins(20_000, MEAN_LENGTH), val=100, test=100)
        data = open_data_set(folder)
        index_files(data.files("train"), 0, 1)
        units = Units(open_split(data, "train"), LONGEST, UNIT, 0)
        unit = units.training(0)
        size = SIZES[options.size]
        ours = packed_step(size, unit)
        theirs, padding = padded_step(size, unit)
        ours()
        theirs()
        taken = [(seconds(ours), seconds(theirs)) for _ in range(options.runs)]
        rates = [len(unit.tokens) / statistics.median(each) for each in zip(*taken, strict=True)]
        print(f"{options.size}, {len(unit.starts) - 1} sequences, {len(unit.tokens):,} tokens:")
        print(f"  packed {rates[0]:,.0f} tokens/s, EsmForMaskedLM padded {rates[1]:,.0f} tokens/s")
        print(
            f"  {rates[0] / rates[1]:.2f} times as fast; padding: {padding:.0%} of the padded batch"
        )
        fill = units.fill
        print(f"  unused in units of {UNIT} tokens: {1 - fill:.1%}")
        loading = statistics.median(loader_rate(units) for _ in range(3))
        print(f"loader: {loading / 1e6:.1f} M tokens/s/core; a p5 node needs {P5_NODE / 1e6:.2f} M")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
