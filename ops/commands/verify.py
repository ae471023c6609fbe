"""`bionemo verify`."""

from __future__ import annotations

import typer

from ops import verify as verification
from ops.cluster.api import ClusterError, NoClusterError, connected
from ops.commands.base import Context, Json, deployment_from_context_or_stop
from ops.results import Result, Verdict, command, exit_status, failed, unknown
from ops.show.checks import show_results
from ops.show.terminal import as_json, console
from ops.show.verdict import bionemo, show_verdict


def verify(context: Context = None, json: Json = False) -> None:
    """Check that the cluster does what it is for: nodes, drivers, GPUs, volume, a pod."""
    deployment = deployment_from_context_or_stop(context)
    try:
        with connected(deployment) as api:
            results = verification.verify(api, deployment)
    except NoClusterError as error:
        results = [failed("Cluster", str(error), command("make deploy"))]
    except ClusterError as error:
        results = [unknown("Kubernetes API", str(error))]
    if json:
        as_json(results)
    else:
        out = console()
        show_results(out, results)
        show_verdict(out, *_verdict(results, context))
    raise typer.Exit(exit_status(results))


def _verdict(results: list[Result], context: list[str] | None) -> tuple[str, str]:
    """Return what the checks come to, and what to do next."""
    verdicts = {each.verdict for each in results}
    mended = f"what is said above, then {bionemo('verify', context)}"
    if Verdict.FAIL in verdicts:
        return "Not passed: something of the cluster does not do what it is for.", mended
    if Verdict.UNKNOWN in verdicts:
        return "Not passed: not everything could be told.", mended
    return "Passed: the cluster does what it is for.", bionemo("status --watch", context)
