"""`bionemo ready`: what `make deploy` runs first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bionemo_eks.configuration.settings import Settings
from ops import cost as estimates
from ops.aws import Aws
from ops.commands.base import (
    PASS,
    WARN,
    Context,
    agreed,
    deployment_or_stop,
    logged_in_or_stop,
    say,
    settings_or_stop,
    stop,
)
from ops.commands.cost import prices_within_reason
from ops.commands.preflight import Patience, checked
from ops.preflight.looking import PATIENCE, undecided
from ops.results import Result, Verdict
from ops.show.checks import show_results
from ops.show.cost import show_estimate
from ops.show.terminal import at_a_terminal, console
from ops.show.verdict import make


def ready(
    context: Context = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to continue.")] = False,
    unsure: Annotated[
        bool,
        typer.Option(
            "--unsure", help="Continue even if a quota, zone, type or version is unknown."
        ),
    ] = False,
    patience: Patience = PATIENCE,
) -> None:
    """Show what would prevent a deployment and what it costs; on a terminal, ask to continue.

    Exit status: 0 to continue, 1 if the answer is no, 2 if it would fail, or if that is unknown.
    """
    settings = settings_or_stop(context)
    aws = logged_in_or_stop(settings)
    deployment = deployment_or_stop(settings, aws)
    results = checked(deployment, patience)
    out = console()
    out.print(
        f"{settings.cluster_name} in {settings.region}, account {deployment.account}, "
        f"as {deployment.caller}"
    )
    show_results(out, [each for each in results if each.verdict is not Verdict.PASS], of=results)
    _estimate(aws, settings)
    _stop_if_it_would_fail(results, unsure)
    if yes or not at_a_terminal():
        raise typer.Exit(PASS)
    if not agreed("Deploy?"):
        say(f"Nothing has been deployed. Next: {make('deploy', context)}")
        raise typer.Exit(WARN)


def _stop_if_it_would_fail(results: list[Result], unsure: bool) -> None:
    if any(each.verdict is Verdict.FAIL for each in results):
        stop("Not deployed: the failures above would make it fail.")
    silent = [each.name for each in undecided(results)]
    if silent and not unsure:
        stop(
            f"Not deployed: no result for {', '.join(silent)}.\n"
            "  Give AWS more time: --patience 60. Continue anyway: --unsure, or make deploy "
            "UNSURE=1"
        )


def _estimate(aws: Aws, settings: Settings) -> None:
    try:
        hours = estimates.expected_hours(settings)
    except estimates.NoRateError as error:
        console().print(f"The cost of a run is unknown. {error}", markup=False)
        return
    known = prices_within_reason(aws, settings, hours)
    ours = None
    if known.block is not None or settings.gpu.types[0] in known.hourly:
        ours, _ = estimates.bills(settings, known, datetime.now(UTC).date())
    show_estimate(console(), settings, ours, known)
