"""Whether a training of ESM-2 fits its GPUs, by the program's own estimate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Obstacle
from bionemo_eks.jobs.workloads.esm2_program import (
    GB,
    RESERVED,
    Estimate,
    architecture,
    estimate,
    strategy,
    too_much,
)

if TYPE_CHECKING:
    from bionemo_eks.jobs.workloads.esm2 import Esm2Settings

_CHANGES = {
    "parallel": "share it by fsdp among more GPUs, or take a smaller size",
    "units_at_once": "take fewer units at once",
    "recompute": "turn recompute on, or take smaller units",
    "unit_tokens": "take smaller units",
}


def too_little_memory(settings: Settings, training: Esm2Settings) -> Obstacle | None:
    """Return what the program would say when it starts, if that is that memory is too little."""
    gpu, model = settings.gpu_instance, architecture(training.size)
    there = gpu.gpu_memory_mib * 2**20 - RESERVED

    def needed(units: int) -> Estimate:
        return estimate(
            model,
            units * training.unit_tokens,
            how=strategy(training.parallel, model.parameters),
            world=settings.gpus,
            bf16=True,
            recompute=training.recompute,
        )

    most = math.ceil(training.units / settings.gpus)
    asked = needed(min(training.units_at_once or 1, most))
    changes = too_much(asked, needed(1), there, training.recompute)
    if not changes:
        return None
    return Obstacle(
        f"each of {settings.gpus} GPUs needs about {asked} to train ESM-2 {training.size}, and "
        f"{gpu.gpu_model} has {there / GB:.1f} GB for it. {_CHANGES[changes[0]].capitalize()}, or "
        "GPUs with more memory by gpu.instance_type",
        tuple(f"training.{each}" for each in changes),
    )
