"""Compares the time of synthesis with an app of one bucket, and shows the templates' sizes.

    python -m bench.synth_time [--runs 5]

The apps run in turn, each in its own process, so that other load on the machine affects both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 2.5
ONE_BUCKET = """
from aws_cdk import App, Stack, aws_s3
app = App()
aws_s3.Bucket(Stack(app, "One"), "Bucket")
app.synth()
"""


def seconds(command: list[str], context: dict[str, object], out: Path) -> float:
    """Run an app as the CDK CLI does; return its wall time in seconds."""
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_DEFAULT_ACCOUNT": "111122223333",
    }
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    return took


def main() -> int:
    """Print the table; return 1 if synthesis takes more than LIMIT times the one bucket's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        apps = {
            "one bucket": ([sys.executable, "-c", ONE_BUCKET], out / "one"),
            "BioNeMo on EKS": ([sys.executable, "app.py"], out / "all"),
        }
        times: dict[str, list[float]] = {name: [] for name in apps}
        for _ in range(runs):
            for name, (command, place) in apps.items():
                times[name].append(seconds(command, context, place))
        for name, measured in times.items():
            low, middle, high = min(measured), statistics.median(measured), max(measured)
            print(f"{name:<16} {middle:6.2f} s   ({low:.2f} to {high:.2f}, {runs} runs)")
        one, everything = (statistics.median(measured) for measured in times.values())
        print(f"{'ratio':<16} {everything / one:6.2f}     (at most {LIMIT})")
        show_templates(out / "all")
    return 0 if everything / one <= LIMIT else 1


def show_templates(assembly: Path) -> None:
    """Print each template's size and number of resources, and all Lambda functions."""
    functions = 0
    for path in sorted(assembly.glob("*.template.json")):
        resources = json.loads(path.read_text(encoding="utf-8")).get("Resources", {})
        mine = sum(each["Type"] == "AWS::Lambda::Function" for each in resources.values())
        functions += mine
        name = path.name.removesuffix(".template.json")
        print(f"{name:<16} {path.stat().st_size:>7,} bytes, {len(resources):>3} resources")
    print(f"{'Lambda functions':<16} {functions:>7}")


if __name__ == "__main__":
    sys.exit(main())
