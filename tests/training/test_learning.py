"""The training learns the motifs of synthetic proteins, in about a minute."""

from __future__ import annotations

from pathlib import Path

from bench.esm2_data import prepare, proteins
from bench.esm2_learning import unigram
from bench.esm2_runs import losses, train, validation

ENOUGH = 0.4
# After 300 it would be 0.44: too close to distinguish a fault from another processor's rounding.
STEPS = 400


def test_accuracy_on_masks_is_far_above_the_most_frequent_letter(tmp_path: Path) -> None:
    sequences = proteins(8000, 100)
    data = prepare(tmp_path / "data", sequences, val=200, test=100)
    options = [
        *("--data", data, "--results", tmp_path, "--size", "4x128x8x512", "--device", "cpu"),
        *("--unit-tokens", 1024, "--max-tokens", 258, "--units", 2, "--steps", STEPS),
        *("--warm-up", 50, "--rate", 2e-3, "--validate-every", 200, "--test-units", 8),
    ]
    log = tmp_path / "log"
    assert train(2, options, log) == [0, 0], log.read_text()
    found = validation(tmp_path)
    print("validation accuracy by step:", found)
    assert unigram(sequences) < 0.15
    assert found[STEPS] > ENOUGH
    assert losses(tmp_path)[STEPS] < losses(tmp_path)[10] - 0.5
