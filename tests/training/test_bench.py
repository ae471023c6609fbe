"""The bench for GPUs runs, so that it does not first fail on a rented one."""

from __future__ import annotations

import subprocess
import sys

from bench.esm2_runs import ROOT


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
