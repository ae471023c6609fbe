"""Makes up proteins with something to learn, and prepares them with the data Job's program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
# Frequencies close to real proteins, in the letters' order: the unigram baseline is 0.097.
FREQUENCIES = (
    *(8.3, 1.4, 5.5, 6.7, 3.9, 7.1, 2.3, 5.9, 5.8, 9.7),
    *(2.4, 4.1, 4.7, 3.9, 5.5, 6.6, 5.3, 6.9, 1.1, 2.9),
)
MOTIFS, MOTIF_LENGTH, SHARE = 8, 12, 0.5
PROGRAM = ROOT / "workloads" / "uniref50" / "prepare_uniref50.py"


def motifs(seed: int = 0) -> list[str]:
    """The motifs that the made-up proteins share."""
    chance = np.random.default_rng([seed, 1])
    return ["".join(chance.choice(list(LETTERS), MOTIF_LENGTH)) for _ in range(MOTIFS)]


def proteins(count: int, mean_length: float, seed: int = 0, part: int = 0) -> list[str]:
    """`count` sequences, half of whose letters belong to motifs.

    Each `part` has other sequences with the same motifs.
    """
    chance = np.random.default_rng([seed, 2, part])
    shared = motifs(seed)
    frequencies = np.array(FREQUENCIES) / sum(FREQUENCIES)
    # On average, as many letters between motifs as in them.
    gap = MOTIF_LENGTH * (1 - SHARE) / SHARE
    found = []
    for length in np.maximum(20, chance.gamma(4.0, mean_length / 4.0, count)).astype(int):
        parts: list[str] = []
        size = 0
        while size < length:
            between = int(chance.poisson(gap))
            parts.append("".join(chance.choice(list(LETTERS), between, p=frequencies)))
            parts.append(shared[int(chance.integers(MOTIFS))])
            size += between + MOTIF_LENGTH
        found.append("".join(parts)[:length])
    return found


def write_fasta(path: Path, sequences: list[str]) -> None:
    """Write `sequences` as the records UniRef50_1, UniRef50_2, …."""
    records = (f">UniRef50_{number} made up\n{text}\n" for number, text in enumerate(sequences, 1))
    path.write_text("".join(records))


def prepare(root: Path, sequences: list[str], *, val: int, test: int, files: int = 3) -> Path:
    """Prepare `sequences` under `root` with the data Job's program; return the folder."""
    root.mkdir(parents=True, exist_ok=True)
    fasta = root / "made_up.fasta"
    write_fasta(fasta, sequences)
    command = [
        *(sys.executable, str(PROGRAM), "--root", str(root), "--fasta", str(fasta)),
        *("--val-size", str(val), "--test-size", str(test), "--num-csv-files", str(files)),
    ]
    subprocess.run([*command, "--workers", "1"], check=True, stdout=subprocess.DEVNULL)
    return root / "processed"
