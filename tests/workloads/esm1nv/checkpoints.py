"""Files as `torch.save` writes them, without PyTorch."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path


def save(path: Path, step: int, weights: bytes = b"\1" * 50_000) -> Path:
    """Write a PyTorch Lightning checkpoint of `step`; the weights are bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"epoch": 0, "global_step": step, "loops": {"global_step": 1}, "state_dict": {}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
        archive.writestr("archive/data/0", weights)
        archive.writestr("archive/version", "3\n")
    return path
