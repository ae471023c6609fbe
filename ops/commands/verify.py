"""`bionemo verify`."""

from __future__ import annotations

import typer

from ops import verify as verification
from ops.cluster.api import ClusterError, NoClusterError, connected
from ops.commands.base import Context, Json, deployment_from_context_or_stop
from ops.results import command, exit_status, failed, unknown
from ops.show.checks import show_results
from ops.show.terminal import as_json, console


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
    as_json(results) if json else show_results(console(), results)
    raise typer.Exit(exit_status(results))
