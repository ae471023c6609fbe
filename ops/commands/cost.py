"""`bionemo cost`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bionemo_eks.configuration.settings import Settings
from ops import cost as estimates
from ops.aws import Aws, AwsError, Deployment, connection, log_in
from ops.commands.base import (
    PASS,
    WARN,
    Context,
    Json,
    deployment_or_stop,
    logged_in_or_stop,
    settings_or_stop,
    stop,
)
from ops.cost.bill import Bill
from ops.cost.prices import DEADLINE, Prices, prices, with_block
from ops.cost.spending import Spending, spending
from ops.cost.ways import block_hours
from ops.offers import offers
from ops.parallel import side_by_side
from ops.show.cost import show_bills, show_spending
from ops.show.terminal import as_json, console
from ops.show.verdict import bionemo, show_verdict

# Seconds for prices, and the same again for offers.
_PRICES = DEADLINE


def cost(
    context: Context = None,
    json: Json = False,
    training_hours: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=10_000,
            help="Hours that the training runs; by default, the workload's estimate.",
        ),
    ] = None,
    actual: Annotated[
        bool,
        typer.Option("--actual", help="Also show actual spending (Cost Explorer: $0.01 per call)."),
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=365, help="Days that --actual covers.")] = 30,
) -> None:
    """Estimate the cost of one full run, compared with the 2024 blueprint."""
    settings = settings_or_stop(context)
    if training_hours is not None and not settings.training.enabled:
        stop("--training-hours: training.enabled is false, so nothing trains.")
    try:
        hours = estimates.expected_hours(settings, training_hours)
    except estimates.NoRateError as error:
        stop(str(error))
    aws = _login(settings)
    known = prices_within_reason(aws, settings, hours)
    priced = settings.gpu.types[0] in known.hourly
    if not priced and settings.gpu.purchase != "capacity-block":
        stop(
            f"{settings.gpu.types[0]} has no hourly price: AWS sells it only in Capacity Blocks "
            "(gpu.purchase=capacity-block), each at its own price."
        )
    if not priced and known.block is None:
        stop(f"No price for {settings.gpu.types[0]} is known: ./bionemo preflight --offers")
    today = datetime.now(UTC).date()
    bills = estimates.bills(settings, known, today, training_hours)
    further = estimates.with_other_types(settings, known, today, training_hours)
    known = replace(known, notes=(*known.notes, *further))
    spent = spending(_deployment_or_stop(aws, settings), days) if actual else None
    if json:
        as_json(_document(settings, bills, known, spent))
    else:
        out = console()
        show_bills(out, settings, *bills, known)
        if spent is not None:
            show_spending(out, spent)
        show_verdict(out, "An estimate; nothing was bought.", bionemo("preflight", context))
    raise typer.Exit(WARN if spent and spent.could_not_tell else PASS)


def _login(settings: Settings) -> Aws | None:
    """Return AWS with the caller's credentials, None without any: the estimate needs none."""
    try:
        return log_in(connection(settings.region))
    except AwsError:
        return None


def _deployment_or_stop(aws: Aws | None, settings: Settings) -> Deployment:
    """The deployment, using an existing login: an MFA code is good for only one."""
    return deployment_or_stop(settings, aws or logged_in_or_stop(settings))


def prices_within_reason(aws: Aws | None, settings: Settings, training_hours: float) -> Prices:
    """Return the prices, from the project's table when AWS cannot be asked or takes too long.

    `training_hours`: what a Capacity Block is priced for.
    """
    known = prices(aws, settings, _PRICES)
    if settings.gpu.purchase != "capacity-block":
        return known
    return with_block(known, settings, _offered(aws, settings, training_hours))


def _offered(aws: Aws | None, settings: Settings, training_hours: float) -> float | None:
    """Return the lowest current hourly price of a node in a Capacity Block, if AWS reports one."""
    if aws is None:
        return None
    hours = block_hours(training_hours)
    look = side_by_side({"offers": lambda: offers(aws, settings, hours)}, _PRICES)["offers"]
    if not look.done() or look.exception(timeout=0) is not None:
        return None
    return min((each.hourly for each in look.result()), default=None)


def _document(
    settings: Settings, bills: Sequence[Bill], known: Prices, spent: Spending | None
) -> dict[str, Any]:
    ours, theirs = bills
    document: dict[str, Any] = {
        "prices": known.source,
        "notes": known.notes,
        "ways": [
            {
                "name": each.way.name,
                "hours": {**each.way.phases, "total": each.way.hours},
                "gpu_node_hours": settings.gpu.nodes * each.way.gpu_hours,
                "idle_gpu_node_hours": settings.gpu.nodes * each.way.idle_gpu_hours,
                "idle_gpu_hours": settings.gpus * each.way.idle_gpu_hours,
                "items": each.items,
                "total": each.total,
            }
            for each in bills
        ],
        "saved": theirs.total - ours.total,
    }
    return document if spent is None else {**document, "actual": spent}
