"""Where the project is."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Of the environment with PyTorch and matplotlib: installation/training.sh.
TRAINING_PYTHON = ROOT / ".venv-training" / "bin" / "python"
