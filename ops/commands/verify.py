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

_THE_CLUSTER = "the cluster does what it is for"
_THE_NETWORK = "NCCL goes from node to node as it is meant to"
_NOT_THE_CLUSTER = "something of the cluster does not do what it is for"
_NOT_THE_NETWORK = "between the GPU nodes something is not as it is meant"


def verify(
    context: Context = None,
    json: Json = False,
    network: Annotated[
        bool,
        typer.Option(
            "--network", help="Test NCCL between the GPU nodes instead; starts them, and asks."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --network: do not ask.")] = False,
) -> None:
    """Check that the cluster does what it is for: nodes, drivers, GPUs, volume, a pod.

    "--network" runs NCCL's all_reduce_perf over all GPU nodes in AWS' PyTorch image, and says which
    transport NCCL took and what the bus does beside what the type can. It starts the nodes, which
    cost money; it says how much, and asks. Nothing of it stays.
    """
    if network and json and not yes:
        stop("verify: --json asks no questions, so --network needs --yes too.")
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
    """Run the test, if it can be run and is wanted; else the command ends."""
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
    """Return what the checks come to, and what to do next."""
    verdicts = {each.verdict for each in results}
    again = bionemo("verify --network" if network else "verify", context)
    mended = f"what is said above, then {again}"
    if Verdict.FAIL in verdicts:
        return f"Not passed: {_NOT_THE_NETWORK if network else _NOT_THE_CLUSTER}.", mended
    if Verdict.UNKNOWN in verdicts:
        return "Not passed: not everything could be told.", mended
    said = _THE_NETWORK if network else _THE_CLUSTER
    return f"Passed: {said}.", bionemo("status --watch", context)
