"""The bench for GPUs runs, so that it does not first fail on a rented one."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.esm2_runs import ROOT
from tests.training.doubled import FOLDER


def test_the_gpu_bench_also_runs_on_a_cpu() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.esm2_gpu", "--device", "cpu", "--tokens", "128"),
            *("--sizes", "8M", "--times", "1", "--parts", "speed", "checkpoint", "attention"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "8M: " in done.stdout
    assert "bit for bit" in done.stdout
    assert done.stdout.count("head size") == 4


def test_its_part_on_fp8_runs_with_a_double() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.esm2_gpu", "--device", "cpu", "--tokens", "64"),
            *("--sizes", "8M", "--times", "1", "--parts", "fp8"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": FOLDER},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a layer of 8M: bf16 " in done.stdout
    assert "over 1 steps the losses are at most 0.0" in done.stdout
