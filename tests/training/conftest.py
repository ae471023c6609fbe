"""Makes the training's modules importable, and provides a data set."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workloads" / each) for each in ("esm2", "common")]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data Job's files of 2,000 made-up proteins, with motifs to learn."""
    from bench.esm2_data import prepare, proteins

    return prepare(tmp_path_factory.mktemp("data"), proteins(2000, 100), val=120, test=80)
