"""Kills the preparation repeatedly at random moments, and compares its output.

    python -m bench.uniref50_faults [--kills 50] [--records 200000]

A run is killed with SIGKILL, with its children, and restarted, as often as requested. Each time it
completes, its files are compared and it starts from scratch.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.uniref50_data import write_fasta
from bench.uniref50_speed import ours


def digests(root: Path) -> dict[str, str]:
    """SHA-256 of each file under its final name."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (root / "processed").glob("*/*.csv")
    }


def stage(lines: list[str]) -> str:
    """The stage in the last line of a killed run."""
    return lines[-1].partition(":")[0] if lines else "start"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    stages: collections.Counter[str] = collections.Counter()
    wrong = complete = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, root = folder / "a.fasta.gz", folder / "killed"
        write_fasta(source, options.records)
        began = time.perf_counter()
        subprocess.run(ours(source, folder / "right"), check=True, stdout=subprocess.DEVNULL)
        whole = time.perf_counter() - began
        right = digests(folder / "right")
        while sum(stages.values()) < options.kills:
            with subprocess.Popen(ours(source, root), stdout=subprocess.PIPE, text=True) as process:
                try:
                    process.wait(chance.uniform(0, 1.2 * whole))
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                output = process.communicate()[0].splitlines()
            if process.returncode == -signal.SIGKILL:
                stages[stage(output)] += 1
                found = digests(root)
                wrong += any(right[path] != digest for path, digest in found.items())
            if (root / "processed/_SUCCESS").exists():
                complete += 1
                wrong += digests(root) != right
                shutil.rmtree(root)
        subprocess.run(ours(source, root), check=True, stdout=subprocess.DEVNULL)
        complete += 1
        wrong += digests(root) != right
        left = [path.name for path in (root / "raw").iterdir()]
    print(f"{sum(stages.values())} kills, full run {whole:.1f} s, kills by stage: {dict(stages)}")
    print(f"{complete} runs completed, {wrong} mismatches; left in raw/: {left}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
