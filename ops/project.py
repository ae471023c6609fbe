"""The project's folder and version."""

from __future__ import annotations

from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[1]
# In the environment with PyTorch and matplotlib: installation/training.sh.
TRAINING_PYTHON = ROOT / ".venv-training" / "bin" / "python"

# Pinned versions and images, for messages.
VERSIONS_FILE = "constructs/bionemo_eks/configuration/versions.py"


def version() -> str:
    """Return the project's version, which is only in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
