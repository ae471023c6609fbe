"""Whether a training of ESM-2 fits into its GPUs' memory, by the program's own estimate."""

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
    "parallel": "shard it with fsdp over more GPUs, or use a smaller size",
    "units_at_once": "use fewer units at once",
    "recompute": "turn on recompute, or use smaller units",
    "unit_tokens": "use smaller units",
}


def too_little_memory(settings: Settings, training: Esm2Settings) -> Obstacle | None:
    """Return the program's complaint about too little memory, if it would have one."""
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
        f"each of {settings.gpus} GPUs needs about {asked} to train ESM-2 {training.size}, but "
        f"{gpu.gpu_model} has {there / GB:.1f} GB for it. {_CHANGES[changes[0]].capitalize()}, or "
        "choose GPUs with more memory (gpu.instance_type)",
        tuple(f"training.{each}" for each in changes),
    )
