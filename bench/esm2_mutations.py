"""Checks that the model's tests catch common mistakes in ESM-2.

    .venv-training/bin/python -m bench.esm2_mutations

Each mutation is made in a copy of the project, whose tests must then fail; without mutations they
must pass.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODEL, ATTENTION, EXCHANGE = "model.py", "attention.py", "exchange.py"
ARCHITECTURE = "architecture.py"
# Description, file, text, replacement.
MUTATIONS = (
    (
        "token dropout by pack",
        *(MODEL, "share = before.diff() / boundaries.lengths"),
        "share = (masked.sum() / len(masked)).expand(len(boundaries.lengths))",
    ),
    (
        "tanh GELU",
        *(MODEL, "functional.gelu(self.intermediate(self.LayerNorm(x)))"),
        'functional.gelu(self.intermediate(self.LayerNorm(x)), approximate="tanh")',
    ),
    ("eps 1e-12", ARCHITECTURE, "LAYER_NORM_EPS = 1e-5", "LAYER_NORM_EPS = 1e-12"),
    (
        "recomputed inv_freq",
        *(EXCHANGE, "    expected = model.state_dict()\n"),
        "    tensors.pop(_FREQUENCIES, None)\n    expected = model.state_dict()\n",
    ),
    (
        "wrong mask ratio",
        *(MODEL, "TRAINED_MASK_SHARE = 0.15 * 0.8"),
        "TRAINED_MASK_SHARE = 0.15",
    ),
    (
        "no token dropout",
        *(MODEL, "return (embedded * by_token[:, None]).to(embedded.dtype)"),
        "return embedded",
    ),
    (
        "interleaved rotary",
        *(ATTENTION, "first, second = x.float().chunk(2, dim=-1)"),
        "first, second = x.float()[..., ::2], x.float()[..., 1::2]",
    ),
    (
        "missing attention boundaries",
        *(ATTENTION, "for start, stop in itertools.pairwise(boundaries.starts):"),
        "for start, stop in [(0, boundaries.tokens)]:",
    ),
)
FOLDERS = ("workloads/esm2", "tests/training", "bench")


def passes(folder: Path) -> bool:
    """Whether the model's tests in the copy at `folder` pass."""
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-x", "--import-mode=importlib"),
        *("--confcutdir", "tests/training", "tests/training/test_model.py", "-k", "8M"),
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    # 1: tests failed; anything else is an error.
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    return done.returncode == 0


def copy(folder: Path) -> Path:
    """Copy the parts of the project that the tests need to `folder`."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def main() -> int:
    """Print each mutation and whether it was caught; return how many were not."""
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = copy(Path(name))
        if not passes(folder):
            raise SystemExit("the tests fail without any mutation")
        print("no mutation: the tests pass", flush=True)
        for what, file, before, after in MUTATIONS:
            path = folder / "workloads" / "esm2" / file
            whole = path.read_text()
            if before not in whole:
                raise SystemExit(f"{file} no longer has {before!r}")
            path.write_text(whole.replace(before, after))
            caught = not passes(folder)
            path.write_text(whole)
            missed += not caught
            print(f"{what}: {'caught' if caught else 'NOT CAUGHT'}", flush=True)
    return missed


if __name__ == "__main__":
    raise SystemExit(main())
