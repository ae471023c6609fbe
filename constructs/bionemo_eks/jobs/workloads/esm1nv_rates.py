"""How long training ESM-1nv takes: one published figure, and estimates from it."""

from __future__ import annotations

from bionemo_eks.configuration.instance_types import InstanceType

# The 2024 blueprint (docs/blueprint.md has its address): on two p3.16xlarge the training, with this
# many steps of 8 sequences per GPU, "needs at least 3-4 days". 3.5 days.
_HOURS, _STEPS, _SEQUENCES = 84.0, 1_000_000, 8
# GB/s of one GPU's memory, by instance family: there are two kinds of A100.
# https://www.nvidia.com/en-us/data-center/v100/ , likewise a100, h100, h200 and l40s
_V100 = 900.0
_BANDWIDTH = {
    "p3": _V100,
    "p3dn": _V100,
    "p4d": 1555.0,
    "p4de": 2039.0,
    "p5": 3350.0,
    "p5e": 4800.0,
    "p5en": 4800.0,
    "g6e": 864.0,
}


def bandwidth(instance: InstanceType) -> float | None:
    """Return GB/s of the memory of one GPU, None if it is not in the table."""
    return _BANDWIDTH.get(instance.name.partition(".")[0])


def hours(steps: int, sequences: int, instance: InstanceType) -> float | None:
    """Return the hours, to three digits, for `steps` steps with `sequences` sequences per GPU.

    On a V100 they are the 2024 blueprint's; on other GPUs they are assumed to scale with memory
    bandwidth, because a small model mostly moves memory. The number of GPUs does not matter,
    because each has its own sequences; the network between nodes is ignored. None for a GPU whose
    bandwidth is not in the table: its rate is unknown.
    """
    own = bandwidth(instance)
    if own is None:
        return None
    taken = _HOURS * steps / _STEPS * sequences / _SEQUENCES * _V100 / own
    return float(f"{taken:.3g}")
