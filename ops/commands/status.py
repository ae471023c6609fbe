"""`bionemo status`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from ops import status as states
from ops.aws import AwsError, Deployment, log_in
from ops.commands.base import FAIL, PASS, WARN, Context, Json, deployment_from_context_or_stop, stop
from ops.show.status import show_status, show_summary
from ops.show.terminal import as_json, console
from ops.show.verdict import bionemo, make, show_verdict

_INTERVAL = 30


def status(
    context: Context = None,
    json: Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help=f"Refresh every {_INTERVAL} s, until Ctrl-C.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="One row for each item, instead of a summary.")
    ] = False,
) -> None:
    """Show the state of the deployment and the progress of data and training."""
    if watch and json:
        stop("status: --watch and --json cannot be combined. Use only one of them.")
    deployment = deployment_from_context_or_stop(context)
    if watch:
        _watch(deployment, everything)
        return
    lines = states.status(deployment)
    if json:
        as_json(lines)
    else:
        out = console()
        _show(out, deployment, lines, everything)
        show_verdict(out, *_verdict(lines, context))
    raise typer.Exit(status_of(lines))


def status_of(lines: list[states.Line]) -> int:
    """Return 2 if anything is wrong, 1 if something is in progress or unknown, else 0."""
    if any(line.good is False for line in lines):
        return FAIL
    return WARN if any(line.unsettled for line in lines) else PASS


def _verdict(lines: list[states.Line], context: list[str] | None) -> tuple[str, str]:
    """Return the state in a sentence, and the next step."""
    if all(line.good is False for line in lines if line.part == states.STACKS):
        return "Nothing is deployed.", make("deploy", context)
    watch = bionemo("status --watch", context)
    wrong = _parts(line for line in lines if line.good is False)
    if wrong:
        what = "" if wrong != states.WORKLOAD else bionemo("retry data|training", context)
        after = f", then {what}" if what else ""
        return f"Something is wrong: {wrong}.", f"fix it as shown above{after}"
    open_ones = _parts(line for line in lines if line.unsettled)
    if open_ones:
        return f"In progress or unknown: {open_ones}.", watch
    return "Everything is fine.", watch


def _parts(lines: Iterable[states.Line]) -> str:
    return ", ".join(dict.fromkeys(line.part for line in lines))


def _show(out: Console, deployment: Deployment, lines: list[states.Line], everything: bool) -> None:
    if everything:
        show_status(out, lines)
    else:
        show_summary(out, lines, deployment.settings.cluster_name)


def _watch(deployment: Deployment, everything: bool) -> None:
    out = console()
    try:
        while True:
            lines = states.status(replace(deployment))
            out.clear()
            out.print(f"{deployment.settings.cluster_name}, {datetime.now(UTC):%H:%M:%S} UTC")
            _show(out, deployment, lines, everything)
            time.sleep(_INTERVAL)
            log_in(deployment.aws)  # credentials may expire; new ones may need an MFA code
    except KeyboardInterrupt:
        raise typer.Exit(PASS) from None
    except AwsError as error:
        stop(str(error))
