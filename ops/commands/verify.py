"""`bionemo verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from ops import network_test
from ops import verify as verification
from ops.aws import Deployment
from ops.cluster.api import ClusterError, NoClusterError, connected
from ops.commands.base import (
    WARN,
    Context,
    Json,
    agreed,
    deployment_from_context_or_stop,
    say,
    stop,
)
from ops.results import Result, Verdict, command, exit_status, failed, unknown
from ops.show.checks import show_results
from ops.show.terminal import as_json, console
from ops.show.verdict import NEXT, bionemo, show_verdict


def verify(
    context: Context = None,
    json: Json = False,
    network: Annotated[
        bool,
        typer.Option(
            "--network", help="Test NCCL between the GPU nodes instead; asks, and starts them."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --network: do not ask.")] = False,
) -> None:
    """Check that the cluster works: nodes, drivers, GPUs, volume, a pod.

    "--network" runs NCCL's all_reduce_perf over all GPU nodes in AWS's PyTorch image, and reports
    the transport that NCCL used and the bus bandwidth compared with what the type can do. It starts
    the nodes, which cost money; it says how much, and asks. It leaves nothing behind.
    """
    if network and json and not yes:
        stop("verify: with --json there is no prompt, so --network needs --yes too.")
    deployment = deployment_from_context_or_stop(context)
    results = _network(deployment, context, yes=yes) if network else _cluster(deployment)
    if json:
        as_json(results)
    else:
        out = console()
        show_results(out, results)
        show_verdict(out, *_verdict(results, context, network=network))
    raise typer.Exit(exit_status(results))


def _cluster(deployment: Deployment) -> list[Result]:
    try:
        with connected(deployment) as api:
            return verification.verify(api, deployment)
    except NoClusterError as error:
        return [_no_cluster(error)]
    except ClusterError as error:
        return [unknown("Kubernetes API", str(error))]


def _network(deployment: Deployment, context: list[str] | None, *, yes: bool) -> list[Result]:
    """Run the test if possible and wanted; else end the command."""
    name = "Network test"
    try:
        why = network_test.hindrance(deployment)
        if why:
            return [failed(name, f"cannot be run now: {why}")]
        say(network_test.cost(deployment))
        if not (yes or agreed("Run it?")):
            stop(f"Nothing was started.\n{NEXT}{bionemo('verify --network', context)}", WARN)
        return network_test.results(deployment, network_test.run(deployment, say))
    except network_test.NetworkTestError as error:
        return [failed(name, str(error))]
    except NoClusterError as error:
        return [_no_cluster(error)]
    except ClusterError as error:
        return [unknown(name, str(error))]


def _no_cluster(error: NoClusterError) -> Result:
    return failed("Cluster", str(error), command("make deploy"))


def _verdict(results: list[Result], context: list[str] | None, *, network: bool) -> tuple[str, str]:
    """Return the overall result, and the next step."""
    verdicts = {each.verdict for each in results}
    again = bionemo("verify --network" if network else "verify", context)
    fixed = f"fix it as shown above, then {again}"
    if Verdict.FAIL in verdicts:
        said = "NCCL between the GPU nodes does not work as intended"
        return (
            f"Not passed: {said if network else 'something in the cluster does not work'}.",
            fixed,
        )
    if Verdict.UNKNOWN in verdicts:
        return "Not passed: some results are unknown.", fixed
    said = "NCCL between the GPU nodes works as intended" if network else "the cluster works"
    return f"Passed: {said}.", bionemo("status --watch", context)
