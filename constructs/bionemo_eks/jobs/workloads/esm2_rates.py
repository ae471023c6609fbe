"""How long training an ESM-2 model takes, and the size of its checkpoints, for the cost."""

from __future__ import annotations

from bionemo_eks.configuration.instance_types import InstanceType
from bionemo_eks.jobs.workloads.esm2_program import PEAKS, architecture

# UniRef50's mean.
_MEAN_LENGTH = 290
# Share of the peak that NVIDIA's own training of 650M reaches on 16 GPUs: 42,500 tokens/s per A100,
# 96,000 per H100. https://docs.nvidia.com/bionemo-framework/latest/models/ESM-2/
_USED_A100, _USED_LATER = 0.55, 0.39
# For models under 100 M parameters, whose kernels are too small for a GPU: assumed, not measured.
_SMALL, _USED_BY_SMALL = 1e8, 0.15


def tokens_per_second(size: str, instance: InstanceType) -> float | None:
    """Return how many tokens per second one GPU of `instance` trains on, None if unknown."""
    if instance.gpu_model not in PEAKS:
        return None
    model = architecture(size)
    used = _USED_A100 if instance.gpu_model == "A100" else _USED_LATER
    if model.parameters < _SMALL:
        used = _USED_BY_SMALL
    return used * PEAKS[instance.gpu_model] / model.flops_per_token(_MEAN_LENGTH)


def hours(tokens: float, size: str, instance: InstanceType, gpus: int) -> float | None:
    """Return the hours, to two digits, that `gpus` GPUs take for `tokens` tokens.

    None if no rate for such GPUs is known.
    """
    rate = tokens_per_second(size, instance)
    return rate and float(f"{tokens / (rate * gpus) / 3600:.2g}")


def checkpoint_gb(size: str) -> float:
    """Gigabytes of a checkpoint: weights and AdamW's two averages, in fp32."""
    return architecture(size).parameters * 3 * 4 / 1e9
