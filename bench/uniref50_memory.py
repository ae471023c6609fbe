"""Measures the preparation's peak memory by number of records.

    python -m bench.uniref50_memory [--records 1000000 5000000 20000000]

The peak is that of all its processes together, each page counted once: the sum of their Pss
(/proc/PID/smaps_rollup; proc(5)), sampled 20 times per second. Sequences are short, so that the
number of records matters, not that of letters.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.uniref50_data import write_fasta
from bench.uniref50_speed import ours

PER_RECORD, CONSTANT = 16, 600e6
LARGEST = 80_000_000


def family(process: int) -> list[int]:
    """`process` and all its descendants."""
    found = [process]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found.extend(map(int, (task / "children").read_text().split()))
        except OSError:
            continue
    return found


def pss(process: int) -> int:
    """Proportional set size of `process` in bytes; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def peak(command: list[str]) -> int:
    """Run `command`; return the peak memory of all its processes in bytes."""
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, sum(pss(each) for each in family(process.pid)))
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit("the preparation failed")
    return most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--records", type=int, nargs="+", default=[1_000_000, 5_000_000, 20_000_000]
    )
    options = parser.parse_args()
    peaks = []
    print("   records  peak, MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for records in options.records:
            source = folder / "short.fasta"
            write_fasta(source, records, length=10)
            peaks.append(peak(ours(source, folder / str(records))))
            print(f"{records:>10,}  {peaks[-1] / 1e6:>8.0f}", flush=True)
    slope, constant = np.polyfit(options.records, peaks, 1)
    most = constant + slope * LARGEST
    print(
        f"{slope:.1f} bytes per record + {constant / 1e6:.0f} MB; {LARGEST:,}: {most / 1e6:,.0f} MB"
    )
    print(f"limit: {PER_RECORD} bytes per record + {CONSTANT / 1e6:.0f} MB")
    fits = all(
        found <= PER_RECORD * records + CONSTANT
        for records, found in zip(options.records, peaks, strict=True)
    )
    return 0 if fits and most <= PER_RECORD * LARGEST + CONSTANT else 1


if __name__ == "__main__":
    sys.exit(main())
