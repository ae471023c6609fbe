"""Settings that go together, in one word: `preset`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What `preset` is called where there is none.
NONE = "none"


@dataclass(frozen=True)
class Preset:
    """A preset: its name, what it is in a few words, and its settings by their dotted paths."""

    name: str
    title: str
    settings: Mapping[str, str | int]


_PRESETS = (
    Preset(
        "2024",
        "the blueprint as it was published; AWS refuses parts of it today",
        {
            "kubernetes_version": "1.29",
            "gpu.instance_type": "p3.16xlarge",
            "gpu.nodes": 2,
            "gpu.scaling": "fixed",
            "gpu.repair": "off",
            "dataset.preparation": "bionemo",
            "training.workload": "esm1nv",
        },
    ),
)
PRESETS: Mapping[str, Preset] = {each.name: each for each in _PRESETS}
