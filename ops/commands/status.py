"""`bionemo status`."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from ops import status as states
from ops.aws import AwsError, Deployment, log_in
from ops.commands.base import FAIL, PASS, WARN, Context, Json, deployment_from_context_or_stop, stop
from ops.show.status import show_status
from ops.show.terminal import as_json, console

_INTERVAL = 30


def status(
    context: Context = None,
    json: Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help=f"Look again every {_INTERVAL} s, until Ctrl-C.")
    ] = False,
) -> None:
    """Show how the deployment is and how far data and training are."""
    if watch and json:
        stop("status: --watch is for people and --json for programs. Give one of them.")
    deployment = deployment_from_context_or_stop(context)
    if watch:
        _watch(deployment)
        return
    lines = states.status(deployment)
    as_json(lines) if json else show_status(console(), lines)
    raise typer.Exit(status_of(lines))


def status_of(lines: list[states.Line]) -> int:
    """Return 2 if anything is wrong, 1 if something is under way or could not be told, else 0."""
    if any(line.good is False for line in lines):
        return FAIL
    return WARN if any(line.unsettled for line in lines) else PASS


def _watch(deployment: Deployment) -> None:
    out = console()
    try:
        while True:
            lines = states.status(replace(deployment))
            out.clear()
            out.print(f"{deployment.settings.cluster_name}, {datetime.now(UTC):%H:%M:%S} UTC")
            show_status(out, lines)
            time.sleep(_INTERVAL)
            log_in(deployment.aws)  # keys end while one watches; new ones may take an MFA code
    except KeyboardInterrupt:
        raise typer.Exit(PASS) from None
    except AwsError as error:
        stop(str(error))
