"""Units as tensors on the device, several in one row where memory allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attention import Boundaries
from batches import Unit
from tokens import MASK, PAD


@dataclass(frozen=True)
class Row:
    """What one pass of the model takes.

    Attributes:
        tokens: (tokens,) int64.
        boundaries: of the sequences.
        places: of the tokens to predict, (places,) int64.
        targets: the original tokens there, (places,) int64.
    """

    tokens: Tensor
    boundaries: Boundaries
    places: Tensor
    targets: Tensor


def row(units: list[Unit], device: torch.device, filled: int = 0, longest: int = 0) -> Row:
    """`units` one after another, on `device`.

    On a GPU the row is filled up to `filled` tokens with <pad>, in separate sequences of
    `longest` tokens: each new length would recompile the layers.
    """
    tokens = [unit.tokens for unit in units]
    starts: list[int] = [0]
    places, size = [], 0
    for unit in units:
        starts += (unit.starts[1:] + size).tolist()
        places.append(unit.places + size)
        size += len(unit.tokens)
    if device.type == "cuda":
        tokens.append(np.full(filled - size, PAD))
        starts += [*range(size + longest, filled, longest), filled] if filled > size else []
    else:
        longest = 0

    def there(*parts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Tensor:
        return torch.from_numpy(np.concatenate(parts)).to(device, non_blocking=True)

    return Row(
        there(*tokens),
        Boundaries.of(starts, device, longest),
        there(*places),
        there(*(unit.targets for unit in units)),
    )


def where_hidden(found: Row) -> Tensor:
    """Which of the places show <mask>, (places,) bool."""
    return found.tokens[found.places] == MASK
