"""Compares the time of the UniRef50 preparation with `gzip -dc` and with the reference.

    python -m bench.uniref50_speed [--runs 5] [--records 250000 1000000 4000000]

Everything is in the page cache. The three run in turn, so that other load on the machine affects
all; the figures are medians. The output must be identical. The limits apply from a million records
on: below that, starting Python and its workers takes most of the time.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.uniref50_data import write_fasta

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "workloads" / "uniref50" / "prepare_uniref50.py"
GZIP_LIMIT, REFERENCE_LIMIT = 1.5, 5.0
LIMITS_FROM = 1_000_000
SIZES = {"val_size": 5000, "test_size": 100_000, "num_csv_files": 50, "seed": 0}


def seconds(command: list[str]) -> float:
    """Run `command`; return its wall time."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - began


def ours(source: Path, root: Path, *options: str) -> list[str]:
    """The command for the streaming preparation."""
    sizes = [f"--{name.replace('_', '-')}={value}" for name, value in SIZES.items()]
    return [
        *(sys.executable, str(PROGRAM), "--root", str(root), "--fasta", str(source)),
        *(*sizes, *options),
    ]


def reference(source: Path, root: Path) -> list[str]:
    """The command for the reference."""
    code = (
        "import sys; from pathlib import Path; from bench.uniref50_reference import prepare; "
        f"prepare(Path(sys.argv[1]), Path(sys.argv[2]), **{SIZES!r})"
    )
    return [sys.executable, "-c", code, str(source), str(root)]


def same(ours_root: Path, reference_root: Path) -> bool:
    """Whether both left the same CSV files."""
    names = [
        str(path.relative_to(reference_root)) for path in reference_root.glob("processed/*/*.csv")
    ]
    match, *_ = filecmp.cmpfiles(ours_root, reference_root, names, shallow=False)
    return len(match) == len(names) == 3 * SIZES["num_csv_files"]


def measure(folder: Path, records: int, runs: int) -> bool:
    """Print one line for `records`; return whether output and limits are right."""
    source = folder / "uniref50.fasta.gz"
    write_fasta(source, records)
    commands = {
        "gzip": ["gzip", "-dc", str(source)],
        "ours": ours(source, folder / "ours"),
        "reference": reference(source, folder / "reference"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            shutil.rmtree(folder / name, ignore_errors=True)
            times[name].append(seconds(command))
    identical = same(folder / "ours", folder / "reference")
    shutil.rmtree(folder / "reference")
    shutil.rmtree(folder / "ours")
    gzip, prepare, slow = (statistics.median(measured) for measured in times.values())
    print(
        f"{records:>9,}  {source.stat().st_size / 1e6:>6.0f}  {gzip:>9.2f}  {prepare:>9.2f}  "
        f"{prepare / gzip:>5.2f}  {slow:>10.1f}  {slow / prepare:>6.1f}  "
        f"{prepare / records * 1e6:>9.2f}  {'yes' if identical else 'NO'}",
        flush=True,
    )
    fast = prepare <= GZIP_LIMIT * gzip and slow >= REFERENCE_LIMIT * prepare
    return identical and (fast or records < LIMITS_FROM)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--records", type=int, nargs="+", default=[250_000, 1_000_000, 4_000_000])
    options = parser.parse_args()
    print("  records  gz, MB  gzip -dc, s  ours, s  ratio  reference  faster  µs/record  identical")
    with tempfile.TemporaryDirectory() as name:
        good = [measure(Path(name), records, options.runs) for records in options.records]
    print(
        f"limits from {LIMITS_FROM:,} records on: ratio at most {GZIP_LIMIT}, at least "
        f"{REFERENCE_LIMIT:g} times faster; medians of {options.runs}"
    )
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
