"""Shows learning: accuracy on <mask>, everywhere and in motifs, against the unigram baseline.

    .venv-training/bin/python -m bench.esm2_learning [--steps 1500] [--size 4x128x8x512]

Draws the curves to build/esm2/learning.png. --size 8M is ESM-2's smallest model.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from bench.esm2_data import MOTIF_LENGTH, motifs, prepare, proteins
from bench.esm2_runs import ROOT, train

sys.path.insert(0, str(ROOT / "workloads" / "esm2"))
sys.path.insert(1, str(ROOT / "workloads" / "common"))
OUT = ROOT / "build" / "esm2"
HIDDEN = 0.12
ENOUGH_INSIDE = 0.8


def unigram(sequences: list[str]) -> float:
    """The accuracy of always predicting the most frequent letter."""
    letters = "".join(sequences)
    return max(letters.count(letter) for letter in set(letters)) / len(letters)


def inside(sequence: str, shared: list[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which letters of `sequence` belong to a whole motif."""
    found = np.zeros(len(sequence), bool)
    for motif in shared:
        start = sequence.find(motif)
        while start >= 0:
            found[start : start + MOTIF_LENGTH] = True
            start = sequence.find(motif, start + 1)
    return found


def accuracy(folder: Path, sequences: list[str]) -> tuple[float, float]:
    """The exported model's accuracy on `<mask>`: on all letters, and in motifs."""
    from attention import Boundaries
    from exchange import read_architecture, read_model
    from model import Esm2
    from tokens import CLS, EOS, MASK
    from vocabulary import encode

    model = Esm2(read_architecture(folder))
    read_model(folder, model)
    chance, shared = np.random.default_rng(7), motifs()
    right, within = [], []
    for sequence in sequences:
        tokens = encode(np.frombuffer(sequence.encode(), np.uint8)).astype(np.int64)
        hidden = chance.random(len(tokens)) < HIDDEN
        seen = np.concatenate([[CLS], np.where(hidden, MASK, tokens), [EOS]])
        with torch.no_grad():
            row = Boundaries.of([0, len(seen)], torch.device("cpu"))
            predicted = model(torch.from_numpy(seen), row).argmax(-1).numpy()[1:-1]
        right.append((predicted == tokens)[hidden])
        within.append(inside(sequence, shared)[hidden])
    each, where = np.concatenate(right), np.concatenate(within)
    return float(each.mean()), float(each[where].mean())


def draw(results: Path, path: Path, baseline: float) -> None:
    """Plot loss and validation accuracy by step."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    lines = [json.loads(line) for line in (results / "metrics.jsonl").read_text().splitlines()]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4))
    for axis, key, name in (
        (left, "loss", "training loss, nats"),
        (right, "validation_accuracy", "validation accuracy on <mask>"),
    ):
        points = [(line["step"], line[key]) for line in lines if key in line]
        axis.plot(*zip(*points, strict=True))
        axis.set(xlabel="step", ylabel=name)
    right.axhline(baseline, linestyle="--", color="grey", label="unigram baseline")
    right.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> int:
    """Train, and print the accuracy; return 1 if it is too low."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--size", default="4x128x8x512")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rate", type=float, default=2e-3)
    options = parser.parse_args()
    results = OUT / options.size
    results.mkdir(parents=True, exist_ok=True)
    sequences = proteins(20_000, 100)
    data = prepare(OUT / "data", sequences, val=400, test=400)
    given = [
        *("--data", data, "--results", results, "--size", options.size, "--device", "cpu"),
        *("--unit-tokens", 1024, "--max-tokens", 258, "--units", 2, "--steps", options.steps),
        *("--warm-up", 50, "--rate", options.rate, "--save-every", 200, "--validate-every", 50),
        *("--validation-units", 16, "--log-every", 10),
    ]
    log = results / "log"
    if train(options.processes, given, log) != [0] * options.processes:
        raise SystemExit(log.read_text())
    baseline = unigram(sequences)
    # Sequences that no training has seen, with the same motifs.
    everywhere, in_motifs = accuracy(results / "model", proteins(300, 100, part=1))
    draw(results, results / "learning.png", baseline)
    print(f"{options.size}, {options.steps} steps: accuracy on <mask> {everywhere:.3f}, in")
    print(f"motifs {in_motifs:.3f}; unigram baseline {baseline:.3f}; {results}/learning.png")
    return int(in_motifs < ENOUGH_INSIDE)


if __name__ == "__main__":
    raise SystemExit(main())
