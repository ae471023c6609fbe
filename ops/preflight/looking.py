"""Runs the checks, and repeats those that AWS has not answered in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ops.aws import Deployment
from ops.parallel import run_checks
from ops.preflight import checks
from ops.reasons import is_final
from ops.results import Result, Verdict

# Seconds for checks that AWS has not answered within the first few.
PATIENCE = 20.0
# Without an answer to these, it is unknown whether the deployment will complete.
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
    """Run all checks side by side; return their results in display order.

    All share `deadline` seconds; those still unknown then run once more, for `patience` seconds,
    unless that cannot change the answer (`is_final`). `say` reports that.
    """
    results = run_checks(checks(deployment), deadline)
    silent = [
        each.name for each in results if each.verdict is Verdict.UNKNOWN and not is_final(each.said)
    ]
    if not (silent and patience):
        return results
    say(f"Asking again, for up to {patience:.0f} s: {', '.join(silent)}")
    # A new deployment object, which remembers none of the first errors.
    renewed = replace(deployment, patience=patience)
    again = {name: check for name, check in checks(renewed).items() if name in silent}
    answered = {each.name: each for each in run_checks(again, patience)}
    return [answered.get(each.name, each) for each in results]


def undecided(results: Sequence[Result]) -> list[Result]:
    """Return the unknown results among the decisive checks."""
    return [each for each in results if each.name in DECISIVE and each.verdict is Verdict.UNKNOWN]
