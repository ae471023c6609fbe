"""Which sequences make up each unit, and the order of the units in an epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vocabulary import SPECIAL_PER_SEQUENCE

_RECORDS_AT_ONCE = 4 << 20
# Consecutive units are read as one block; the units of several blocks are mixed. The data Job has
# shuffled the records, so mixing a few blocks is enough.
BLOCK_UNITS = 64
MIXED_BLOCKS = 16


def tokens_of(lengths: NDArray[np.uint32], longest: int) -> NDArray[np.int64]:
    """Tokens of sequences of these lengths, cropped to `longest` tokens."""
    return np.minimum(lengths.astype(np.int64) + SPECIAL_PER_SEQUENCE, longest)


def pack(lengths: NDArray[np.uint32], longest: int, unit_tokens: int) -> NDArray[np.int64]:
    """First sequence of each unit, and the end: shape (units + 1,), int64.

    A unit takes sequences in the files' order as long as they fit into `unit_tokens`, which is at
    least `longest`. The units depend on nothing else, so each epoch has the same ones.
    """
    first = [0]
    while first[-1] < len(lengths):
        start = first[-1]
        chunk = tokens_of(lengths[start : start + _RECORDS_AT_ONCE], longest)
        ends = np.cumsum(chunk)
        last_chunk = start + len(chunk) == len(lengths)
        done, base = 0, 0
        while done < len(chunk):
            stop = int(np.searchsorted(ends, base + unit_tokens, side="right"))
            if stop == len(chunk) and not last_chunk:
                break  # more may fit: the next chunk starts with this unit
            first.append(start + stop)
            done, base = stop, int(ends[stop - 1])
    return np.array(first, np.int64)


def epoch_order(units: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The units in the order of `epoch`, shape (units,).

    Blocks are shuffled, then the units within each group of blocks.
    """
    random = np.random.default_rng([seed, 0, epoch])
    blocks = -(-units // BLOCK_UNITS)
    order = random.permutation(blocks)[:, None] * BLOCK_UNITS + np.arange(BLOCK_UNITS)
    order = order.reshape(-1)
    order = order[order < units]
    window = BLOCK_UNITS * MIXED_BLOCKS
    for start in range(0, units, window):
        random.shuffle(order[start : start + window])
    return order
