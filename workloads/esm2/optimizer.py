"""AdamW and its learning rate, as ESM-2 was trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

# https://doi.org/10.1126/science.ade2574, supplement
BETAS, EPSILON, WEIGHT_DECAY = (0.9, 0.98), 1e-8, 0.01
DECAY_SHARE, LAST_SHARE = 0.9, 0.1


@dataclass(frozen=True)
class Schedule:
    """Learning rate by step: linear up to `peak`, then linear down to a tenth of it.

    It stops falling after 90 % of the steps.
    """

    peak: float
    warm_up: int
    steps: int

    def at(self, step: int) -> float:
        """The rate after `step` steps."""
        if step < self.warm_up:
            return self.peak * (step + 1) / self.warm_up
        end = max(self.warm_up + 1, round(self.steps * DECAY_SHARE))
        done = min(1.0, (step - self.warm_up) / (end - self.warm_up))
        return self.peak * (1 - done * (1 - LAST_SHARE))


def make_optimizer(module: nn.Module) -> torch.optim.AdamW:
    """Fused AdamW; biases and norms do not decay."""
    matrices = [parameter for parameter in module.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in module.parameters() if parameter.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=BETAS, eps=EPSILON, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use `rate` from now on."""
    for group in optimizer.param_groups:
        group["lr"] = rate
