"""Whether a training of ESM-2 can run on its GPUs, by the program's own limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES, capability_text
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Obstacle
from bionemo_eks.jobs.workloads.esm2_memory import too_little_memory
from bionemo_eks.jobs.workloads.esm2_program import (
    FP8,
    FP8_MULTIPLE,
    LEAST_FP8,
    architecture,
    uneven,
)

if TYPE_CHECKING:
    from bionemo_eks.jobs.workloads.esm2 import Esm2Settings


def obstacle(settings: Settings, training: Esm2Settings) -> Obstacle | None:
    """Return what the program would refuse on the GPUs, if anything."""
    return _not_in_fp8(settings, training) or too_little_memory(settings, training)


def _not_in_fp8(settings: Settings, training: Esm2Settings) -> Obstacle | None:
    """Return why GPUs or sizes cannot train in fp8, if that is what `training` asks for."""
    if training.precision != FP8:
        return None
    for each in settings.gpu_instances:
        if each.compute_capability < LEAST_FP8:
            models = dict.fromkeys(
                other.gpu_model
                for other in GPU_INSTANCE_TYPES.values()
                if LEAST_FP8 <= other.compute_capability <= settings.workload.gpus.highest
            )
            return Obstacle(
                f"{each.name} cannot train in fp8: {each.gpu_model} has compute capability "
                f"{capability_text(each.compute_capability)}, and fp8 needs "
                f"{capability_text(LEAST_FP8)} or later: {', '.join(models)}. Use bf16, or another "
                "GPU",
                ("training.precision", "gpu.instance_type"),
            )
    for name, what in uneven(architecture(training.size), training.unit_tokens).items():
        return Obstacle(
            f"fp8 needs multiples of {FP8_MULTIPLE}, but there are {what}",
            ("training.precision", f"training.{name}"),
        )
    return None
