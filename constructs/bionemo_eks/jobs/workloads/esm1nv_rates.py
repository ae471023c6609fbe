"""How long training ESM-1nv takes: one published figure, and what is assumed from it."""

from __future__ import annotations

from bionemo_eks.configuration.instance_types import InstanceType

# The source document (seed/bionemo-on-eks.zh.md): on two p3.16xlarge the training, which is of so
# many steps of 8 sequences a GPU, "needs at least 3-4 days". 3.5 days.
_HOURS, _STEPS, _SEQUENCES = 84.0, 1_000_000, 8
# GB/s of one GPU's memory, by the family of the instance type: an A100 has two memories.
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
    """Return GB/s of the memory of one GPU, None where nobody has looked it up."""
    return _BANDWIDTH.get(instance.name.partition(".")[0])


def hours(steps: int, sequences: int, instance: InstanceType) -> float | None:
    """Return the hours, to three digits, of so many steps, each of `sequences` on every GPU.

    On a V100 they are the source document's; on another GPU they are assumed to go with its
    memory's bandwidth, for what a small model does is mostly to move memory. The number of GPUs is
    not in it, for each has its own sequences, nor is the network between nodes. None for a GPU for
    which that has not been looked up: its rate is not known.
    """
    own = bandwidth(instance)
    if own is None:
        return None
    taken = _HOURS * steps / _STEPS * sequences / _SEQUENCES * _V100 / own
    return float(f"{taken:.3g}")
