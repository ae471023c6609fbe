"""Estimates the time of the preparation and of the reference if each read call takes 1 ms.

    python -m bench.uniref50_latency [--records 200000] [--latency 0.001]

The kernel counts the read calls of a process and of the children that it has waited for
(/proc/PID/io, syscr; proc(5)). Time = wall time from the page cache + calls x latency, without
overlap. Writes do not count for either, because Lustre's client buffers them.

Read calls are counted because a slow file system is not available everywhere: FUSE needs its kernel
module and root, and a preloaded library misses the reads of C's stdio, which pyfastx uses.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.uniref50_data import write_fasta
from bench.uniref50_speed import PROGRAM, ROOT, ours, reference

sys.path.insert(0, str(PROGRAM.parent))
sys.path.insert(1, str(PROGRAM.parents[1] / "common"))

import segments
import source as source_blocks
import worker

UNIREF50 = 65_000_000
UNIREF50_PACKED = 12e9
DOWNLOAD = 100e6
# Runs a command, and prints how many read calls it and its children made.
COUNT = """
import subprocess, sys
def calls():
    return int(dict(line.split(": ") for line in open("/proc/self/io"))["syscr"])
before = calls()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(calls() - before)
"""


def measure(command: list[str]) -> tuple[float, int]:
    """Wall time in seconds and read calls of `command`."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", COUNT, *command],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return time.perf_counter() - began, int(done.stdout)


def report(name: str, wall: float, calls: int, records: int, latency: float) -> float:
    """Print one line; return the time on slow storage in seconds."""
    slow = wall + calls * latency
    print(
        f"{name:<10} {wall:>6.2f} s from the cache, {calls:>9,} read calls "
        f"({calls / records:.3f} per record): {slow:>8.1f} s"
    )
    return slow


def project(records: int, wall: float, latency: float, rows_bytes: int) -> None:
    """Print the time for all of UniRef50; `rows_bytes`: size of the CSV files for `records`."""
    compute = wall / records * UNIREF50
    download = UNIREF50_PACKED / DOWNLOAD
    total = rows_bytes / records * UNIREF50
    pieces = total / segments.piece_bytes(int(total))
    # Each part is a slice of every run; segments and download are read once, in blocks.
    reads = pieces * pieces + total / worker.RUN_READ + UNIREF50_PACKED / source_blocks.SOURCE_READ
    whole = max(compute, download) + reads * latency
    print(
        f"\n{UNIREF50:,} records, from a download at {DOWNLOAD / 1e6:.0f} MB/s "
        f"({download:.0f} s, while it unpacks):\n"
        f"  {compute:.0f} s of work, {reads:,.0f} reads of {latency * 1000:g} ms: "
        f"{whole / 60:.0f} min"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--latency", type=float, default=0.001, metavar="SECONDS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "uniref50.fasta.gz"
        write_fasta(source, options.records)
        fast = measure(ours(source, folder / "ours"))
        slow = measure(reference(source, folder / "reference"))
        rows = sum(path.stat().st_size for path in folder.glob("ours/processed/*/*.csv"))
    print(f"{options.records:,} records, {options.latency * 1000:g} ms per read call")
    times = [
        report(label, *figures, options.records, options.latency)
        for label, figures in (("ours", fast), ("reference", slow))
    ]
    print(f"ratio: {times[1] / times[0]:.0f}")
    hours = (slow[0] + slow[1] * options.latency) / options.records * UNIREF50 / 3600
    project(options.records, fast[0], options.latency, rows)
    print(f"  the reference: {hours:.0f} h")
    return 0 if times[1] > times[0] else 1


if __name__ == "__main__":
    sys.exit(main())
