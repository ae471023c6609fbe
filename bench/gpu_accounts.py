"""Preflight where no GPU nodes are available, with each remedy: `python -m bench.gpu_accounts`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ops.results import Verdict, exit_status
from ops.show.checks import show_results
from ops.show.terminal import console
from tests.ops.preflight.fixing import looked_at
from tests.ops.preflight.gpu_accounts import GPU_ACCOUNTS, Outcome, outcomes


def main() -> None:
    out = console()
    for title, (make, _) in GPU_ACCOUNTS.items():
        results = list(looked_at(make()).values())
        out.rule(title)
        failing = [each for each in results if each.verdict is not Verdict.PASS]
        show_results(out, failing, of=results)
        out.print(f"exit status {exit_status(results)}")
        with tempfile.TemporaryDirectory() as folder:
            for number, each in enumerate(outcomes(title, Path(folder)), start=1):
                out.print(f"\nremedy {number}: {_described(each)}", markup=False)


def _described(each: Outcome) -> str:
    settings, placed = each.deployment.settings, each.placed
    steps = "; ".join(step.text for step in each.steps if not step.text.startswith("- "))
    return (
        f"{steps}\n  then preflight: exit status {exit_status(each.results)}; settings "
        f"{each.settings}\n  deployment: {settings.gpu.nodes} x {settings.gpu.instance_type} in "
        f"{settings.gpu_zone}, {settings.gpu.purchase}; "
        f"{len(placed) - placed.count(None)} of {len(placed)} pods fit a node"
    )


if __name__ == "__main__":
    main()
