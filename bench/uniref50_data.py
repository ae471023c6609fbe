"""Makes up FASTA files that look like UniRef50."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

_LETTERS = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", np.uint8)
_LINE = 60
_POOL_LINES = 1 << 18
_AT_ONCE = 10_000
# UniRef50's mean is about 290 letters, with a long tail.
_SHAPE, _SCALE, _LEAST = 2.0, 135.0, 20


def write_fasta(path: Path, records: int, *, length: int | None = None, seed: int = 50) -> None:
    """Write `records` made-up proteins to `path`; gzipped (level 6) if its name ends in .gz.

    `length`: letters of each sequence; without it, lengths vary as in UniRef50.
    """
    chance = np.random.default_rng(seed)
    pool = np.empty((_POOL_LINES, _LINE + 1), np.uint8)
    pool[:, :_LINE] = _LETTERS[chance.integers(0, 20, (_POOL_LINES, _LINE))]
    pool[:, _LINE] = ord("\n")
    lines = pool.tobytes()
    packed = path.suffix == ".gz"
    with gzip.open(path, "wb", compresslevel=6) if packed else path.open("wb") as sink:
        for start in range(0, records, _AT_ONCE):
            count = min(_AT_ONCE, records - start)
            if length is None:
                lengths = (chance.gamma(_SHAPE, _SCALE, count) + _LEAST).astype(int)
            else:
                lengths = np.full(count, length)
            offsets = chance.integers(0, _POOL_LINES - lengths.max() // _LINE - 1, count)
            text = []
            for number, size, line in zip(
                range(start, start + count), lengths.tolist(), offsets.tolist(), strict=True
            ):
                at = line * (_LINE + 1)
                sequence = lines[at : at + size + (size - 1) // _LINE]
                text.append(
                    b">UniRef50_A0A%08d Uncharacterized protein n=%d Tax=Bacteria TaxID=%d "
                    b"RepID=A0A%d_9BACT\n%b\n"
                    % (number, number % 7 + 1, number % 9999, number, sequence)
                )
            sink.write(b"".join(text))
