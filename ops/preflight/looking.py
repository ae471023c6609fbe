"""Runs the checks, and asks again for what AWS has not told in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ops.aws import Deployment
from ops.parallel import run_checks
from ops.preflight import checks
from ops.reasons import is_final
from ops.results import Result, Verdict

# Seconds for what AWS has not told in the first few.
PATIENCE = 20.0
# Without an answer to these nobody knows whether the deployment comes to its end.
DECISIVE = (
    "Kubernetes version",
    "Add-on versions",
    "Zones",
    "GPU instance type",
    "Core instance type",
    "GPU vCPU quota",
    "Core vCPU quota",
    "FSx storage quota",
    "FSx number quota",
    "VPC quota",
    "Elastic IP quota",
    "GPU AMI release",
    "Input files",
    "FSx links",
    "Capacity reservation",
    "Capacity Block",
)


def look(
    deployment: Deployment, deadline: float, patience: float, say: Callable[[str], None]
) -> list[Result]:
    """Run all checks side by side; return their results in the order to show them.

    `deadline` seconds are for all; those that could not tell by then are made once more, for
    `patience` seconds, unless AWS has said that it will not tell. `say` is told of that.
    """
    results = run_checks(checks(deployment), deadline)
    silent = [
        each.name for each in results if each.verdict is Verdict.UNKNOWN and not is_final(each.said)
    ]
    if not (silent and patience):
        return results
    say(f"Asking again, for up to {patience:.0f} s: {', '.join(silent)}")
    # Another look, which remembers none of the errors of the first.
    anew = replace(deployment, patience=patience)
    again = {name: check for name, check in checks(anew).items() if name in silent}
    told = {each.name: each for each in run_checks(again, patience)}
    return [told.get(each.name, each) for each in results]


def undecided(results: Sequence[Result]) -> list[Result]:
    """Return what could not be told of what decides on the deployment's end."""
    return [each for each in results if each.name in DECISIVE and each.verdict is Verdict.UNKNOWN]
