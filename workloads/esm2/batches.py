"""The batch of each step: depends only on seed and step, not on the processes sharing it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset import Records, Sequences
from failures import TrainingError
from masking import mask
from packing import BLOCK_UNITS, MIXED_BLOCKS, epoch_order, pack, tokens_of
from tokens import CLS, EOS
from vocabulary import SPECIAL_PER_SEQUENCE, encode, strange

# Part of each random generator's seed; packing.py has 0.
_TRAINING, _EVALUATION = 1, 2


@dataclass(frozen=True)
class Unit:
    """Packed sequences, as the model sees them.

    Attributes:
        tokens: (tokens,) int64.
        starts: first token of each sequence, and the end of the last, (sequences + 1,) int64.
        places: of the tokens to predict, (places,) int64.
        targets: the original tokens there, (places,) int64.
        strange: counts of letters without a token, by code, (256,) int64.
    """

    tokens: NDArray[np.int64]
    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    targets: NDArray[np.int64]
    strange: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Number of tokens; 0 for an empty unit."""
        return len(self.tokens) if len(self.tokens) > SPECIAL_PER_SEQUENCE else 0


def empty_unit() -> Unit:
    """A unit with nothing to predict, for a process that has none left."""
    nothing = np.zeros(0, np.int64)
    return Unit(
        *(np.array([CLS, EOS]), np.array([0, SPECIAL_PER_SEQUENCE]), nothing, nothing),
        np.zeros(256, np.int64),
    )


class Units:
    """A split's sequences as units.

    Args:
        sequences: of the split.
        longest: maximum tokens of a sequence, with <cls> and <eos>; longer ones are cropped.
        unit_tokens: maximum tokens of a unit.
        seed: of cropping, masking and order.
    """

    def __init__(self, sequences: Sequences, longest: int, unit_tokens: int, seed: int) -> None:
        if unit_tokens < longest:
            raise TrainingError(
                f"--unit-tokens {unit_tokens} is not allowed: give at least --max-tokens {longest}"
            )
        self._sequences, self._longest, self._seed = sequences, longest, seed
        self.unit_tokens = unit_tokens
        lengths = sequences.lengths()
        self._first = pack(lengths, longest, unit_tokens)
        tokens = tokens_of(lengths, longest)
        self.mean_length = float(tokens.mean())
        # Share of the units' room that is filled.
        self.fill = float(tokens.sum()) / (len(self) * unit_tokens)
        # Blocks by number: those being mixed, and as many of the next.
        self._blocks: OrderedDict[int, Records] = OrderedDict()
        self._orders: OrderedDict[int, NDArray[np.int64]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._first) - 1

    def numbers(self, step: int, batch: int) -> list[int]:
        """Places of step `step`'s `batch` units in the endless sequence of units."""
        return [*range(step * batch, (step + 1) * batch)]

    def training(self, number: int) -> Unit:
        """The unit at place `number` of the endless sequence of shuffled epochs."""
        epoch, place = divmod(number, len(self))
        if epoch not in self._orders:
            self._orders[epoch] = epoch_order(len(self), self._seed, epoch)
            while len(self._orders) > 2:
                self._orders.popitem(last=False)
        random = np.random.default_rng([self._seed, _TRAINING, number])
        return self._make(int(self._orders[epoch][place]), random)

    def evaluation(self, unit: int) -> Unit:
        """Unit `unit` in the files' order; the same at each call."""
        return self._make(unit, np.random.default_rng([self._seed, _EVALUATION, unit]))

    def _block(self, number: int) -> Records:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        stop = min(len(self), (number + 1) * BLOCK_UNITS)
        first, last = self._first[number * BLOCK_UNITS], self._first[stop]
        self._blocks[number] = self._sequences.read(int(first), int(last))
        while len(self._blocks) > 2 * MIXED_BLOCKS:
            self._blocks.popitem(last=False)
        return self._blocks[number]

    def _make(self, unit: int, random: np.random.Generator) -> Unit:
        number = unit // BLOCK_UNITS
        block, base = self._block(number), self._first[number * BLOCK_UNITS]
        parts: list[NDArray[np.integer]] = []
        starts = [0]
        counts = np.zeros(256, np.int64)
        for record in range(self._first[unit] - base, self._first[unit + 1] - base):
            start, length = int(block.starts[record]), int(block.lengths[record])
            room = self._longest - SPECIAL_PER_SEQUENCE
            if length > room:
                start += int(random.integers(length - room + 1))
                length = room
            letters = block.text[start : start + length]
            tokens = encode(letters)
            counts += strange(letters)
            parts += [np.array([CLS]), tokens, np.array([EOS])]
            starts.append(starts[-1] + len(tokens) + SPECIAL_PER_SEQUENCE)
        whole = np.concatenate(parts).astype(np.int64)
        seen, places = mask(whole, random)
        return Unit(seen, np.array(starts), places, whole[places], counts)


def share(numbers: list[int], rank: int, world: int) -> list[int | None]:
    """The units of process `rank` of `world`, contiguous; padded with None.

    All get the same number, because all take part in every pass of the model.
    """
    most = -(-len(numbers) // world)
    mine: list[int | None] = [*numbers[rank * most : (rank + 1) * most]]
    return mine + [None] * (most - len(mine))
