"""Presets: named sets of settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The value of `preset` for none.
NONE = "none"


@dataclass(frozen=True)
class Preset:
    """A preset: its name, a short description, and its settings by their dotted paths."""

    name: str
    title: str
    settings: Mapping[str, str | int | float]


# For all sizes: 2 M tokens per batch, 500,000 steps, sequences of 1,024, a rate of 4e-4 after 2,000
# steps, as in supplement A.2 of https://doi.org/10.1126/science.ade2574
_PUBLISHED: Mapping[str, str | int | float] = {
    "training.max_steps": 500_000,
    "training.units": 128,
    "training.unit_tokens": 16_384,
    "training.max_tokens": 1024,
    "training.rate": 4e-4,
    "training.warm_up": 2000,
}
_SWISS_PROT = (
    "https://ftp.uniprot.org/pub/databases/uniprot/current_release/knowledgebase/complete/"
    "uniprot_sprot.fasta.gz"
)


def _esm2(size: str, title: str, more: Mapping[str, str | int | float]) -> Preset:
    """Return the preset that trains ESM-2 of a size as published, except for `more`."""
    return Preset(
        f"esm2-{size.lower()}",
        title,
        {"training.workload": "esm2", "training.size": size, **_PUBLISHED, **more},
    )


_PRESETS = (
    Preset(
        "2024",
        "the 2024 blueprint as published; AWS refuses parts of it today",
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
    Preset(
        "esm2-smoke",
        "ESM-2 8M for 200 steps on one small GPU, on Swiss-Prot's half a million sequences, as a "
        "separate deployment: to see everything work, for a few dollars",
        {
            # Next to an existing deployment, whose GPUs and data set stay as they are.
            "cluster_name": "esm2-smoke",
            "gpu.instance_type": "g6.xlarge",
            "gpu.nodes": 1,
            "storage.capacity_gib": 1200,
            "storage.throughput": 125,
            "dataset.url": _SWISS_PROT,
            "dataset.val_size": 5000,
            "dataset.test_size": 5000,
            "dataset.num_csv_files": 10,
            "training.workload": "esm2",
            "training.size": "8M",
            "training.max_steps": 200,
            "training.units": 8,
            # Higher than the published rate, which is for 2,500 times as many steps.
            "training.rate": 1e-3,
            "training.warm_up": 50,
            "training.save_every": 50,
            "training.validate_every": 50,
            "training.validation_units": 16,
            "training.test_units": 16,
        },
    ),
    _esm2("35M", "ESM-2 35M as published", {}),
    _esm2("150M", "ESM-2 150M as published", {}),
    # The activations of 16 k tokens do not fit into 40 GB next to its state: half the tokens, twice
    # the units. A larger GPU takes several of them at once.
    _esm2(
        "650M",
        "ESM-2 650M as published",
        {"training.units": 256, "training.unit_tokens": 8192},
    ),
    # 3B's state does not fit into one 40 GB GPU, let alone with a unit's activations.
    _esm2(
        "3B",
        "ESM-2 3B as published, sharded over the GPUs, activations recomputed",
        {"training.parallel": "fsdp", "training.recompute": "true"},
    ),
)
PRESETS: Mapping[str, Preset] = {each.name: each for each in _PRESETS}
