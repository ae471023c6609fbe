"""How well a model predicts the tokens behind <mask>, on sequences it does not train on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from batches import Units, empty_unit, share
from parallel import Parallel
from processes import Processes
from rows import row, where_hidden


@dataclass(frozen=True)
class Result:
    """Of `<mask>` positions only: those that keep their letter would favor copying.

    Attributes:
        loss: mean cross-entropy, nats.
        accuracy: share of tokens whose logit is the highest.
        positions: their number.
    """

    loss: float
    accuracy: float
    positions: int

    @property
    def perplexity(self) -> float:
        """The exponential of the loss."""
        return math.exp(min(self.loss, 700.0))

    def as_json(self, split: str) -> dict[str, float]:
        """For a line of metrics, named after `split`."""
        return {
            f"{split}_loss": self.loss,
            f"{split}_perplexity": self.perplexity,
            f"{split}_accuracy": self.accuracy,
            f"{split}_positions": self.positions,
        }

    def __str__(self) -> str:
        return (
            f"loss {self.loss:.4f}, perplexity {self.perplexity:.3f}, accuracy {self.accuracy:.4f} "
            f"on {self.positions:,} <mask> positions"
        )


def evaluate(
    parallel: Parallel,
    processes: Processes,
    units: Units,
    most: int,
    longest: int,
    between: Callable[[int, int], None],
) -> Result:
    """Evaluate on `most` units, spread over the split (0: on all).

    `between` is called after each pass, with the number of units done and of all.

    Tokens and masks are the same at each call, on any number of processes.
    """
    count = min(most or len(units), len(units))
    # Spread over the whole split, whose order may not be random.
    chosen = [index * len(units) // count for index in range(count)]
    sums = torch.zeros(3, dtype=torch.float64, device=processes.device)
    parallel.module.eval()
    with torch.no_grad():
        for passes, unit in enumerate(share(chosen, processes.rank, processes.world), 1):
            found = empty_unit() if unit is None else units.evaluation(unit)
            one = row([found], processes.device, units.unit_tokens, longest)
            with parallel.computing():
                logits = parallel.module(one.tokens, one.boundaries, one.places)
            hidden = where_hidden(one)
            logits, targets = logits[hidden].float(), one.targets[hidden]
            sums[0] += functional.cross_entropy(logits, targets, reduction="sum").double()
            sums[1] += (logits.argmax(-1) == targets).sum()
            sums[2] += len(targets)
            between(min(passes * processes.world, count), count)
    parallel.module.train()
    loss, right, positions = processes.total(*sums.tolist())
    return Result(loss / max(1, positions), right / max(1, positions), int(positions))
