"""Prints the app's messages for bad settings: `python -m bench.bad_settings`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BAD = (
    "gpu.nodes=none",
    "gpu.nodes=0",
    "gpu.node=3",
    "gpu.instance_type=p4d.24xl",
    "kubernetes_version=1.28",
    "region=us-west",
    "cluster.endpoint=public",
    "cluster.public_access_cidrs=10.0.0.0/99",
    "storage.capacity_gib=2000",
    "gpu.purchase=capacity-reservation",
    "network.vpc_cidr=100.64.0.0/16",
    "network.availability_zones=us-east-1a,us-east-1b",
    "dataset.url=https://me:secret@mirror.example.org/uniref50.fasta.gz",
    "dataset.val_size=100",
    "training.overrides=trainer.max_steps",
    "cluster_name=BioNeMo",
)


def main() -> int:
    """Run `python app.py` with each; return 1 if one is accepted or ends in a traceback."""
    wrong = 0
    base = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    for setting in BAD:
        key, _, value = setting.partition("=")
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**os.environ, "CDK_CONTEXT_JSON": json.dumps({**base, key: value})},
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"$ npx cdk synth -c {setting}\n{done.stderr.strip()}\n")
        wrong += done.returncode != 1 or "Traceback" in done.stderr
    print(f"{len(BAD)} bad settings, {len(BAD) - wrong} rejected with one message.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
