"""Sequences as numbers: each letter's token."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokens import TOKENS, UNK

# The twenty standard amino acids, one of which may replace a masked position's letter.
FIRST_AMINO_ACID, LAST_AMINO_ACID = TOKENS.index("L"), TOKENS.index("C")
SPECIAL_PER_SEQUENCE = 2  # <cls> and <eos>


def _table() -> NDArray[np.uint8]:
    table = np.full(256, UNK, np.uint8)
    for number, token in enumerate(TOKENS):
        if len(token) == 1:
            table[ord(token)] = number
    return table


_TABLE = _table()


def encode(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tokens of one sequence, without <cls> and <eos>.

    `letters`: ASCII codes, shape (length,). As in EsmTokenizer, a run of letters without a token
    becomes one <unk>, so the result may be shorter.
    """
    tokens = _TABLE[letters]
    unknown = tokens == UNK
    if not unknown.any():
        return tokens
    repeated = np.zeros_like(unknown)
    repeated[1:] = unknown[1:] & unknown[:-1]
    return tokens[~repeated]


def strange(letters: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Counts of the codes in `letters` that have no token, shape (256,), int64."""
    counts = np.bincount(letters, minlength=256)
    counts[_TABLE != UNK] = 0
    return counts


def spelled(counts: NDArray[np.int64]) -> str:
    """`counts` from `strange` as text: "J 12, * 3"; empty if there are none."""
    found = [(count, code) for code, count in enumerate(counts.tolist()) if count]
    return ", ".join(
        f"{chr(code) if 32 < code < 127 else f'byte {code}'} {count:,}"
        for count, code in sorted(found, reverse=True)
    )
