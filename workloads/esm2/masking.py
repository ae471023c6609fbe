"""Which tokens a model has to predict, and what it sees in their place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokens import CLS, EOS, MASK, UNK
from vocabulary import FIRST_AMINO_ACID, LAST_AMINO_ACID

PREDICTED, HIDDEN, REPLACED = 0.15, 0.8, 0.1


def mask(
    tokens: NDArray[np.int64], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the model sees of `tokens`, and the places of those to predict.

    15 % are predicted: of these, 80 % become <mask>, 10 % a random amino acid, 10 % stay
    (https://doi.org/10.1126/science.ade2574, supplement). Never <cls>, <eos> or <unk>.
    """
    choice, kind = random.random((2, len(tokens)), dtype=np.float32)
    ordinary = (tokens != CLS) & (tokens != EOS) & (tokens != UNK)
    places = np.flatnonzero(ordinary & (choice < PREDICTED))
    seen = tokens.copy()
    seen[places[kind[places] < HIDDEN]] = MASK
    replaced = places[(kind[places] >= HIDDEN) & (kind[places] < HIDDEN + REPLACED)]
    seen[replaced] = random.integers(FIRST_AMINO_ACID, LAST_AMINO_ACID + 1, len(replaced))
    return seen, places
