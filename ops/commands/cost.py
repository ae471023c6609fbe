"""`bionemo cost`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bionemo_eks.configuration.settings import DEPLOYMENT_TAG, Settings
from ops import cost as costs
from ops import prices, show
from ops.aws import Aws, AwsError, Deployment, connection, log_in
from ops.commands.base import (
    PASS,
    WARN,
    Context,
    Json,
    deployment_or_stop,
    logged_in_or_stop,
    settings_or_stop,
)
from ops.cost.idle import IDLE_BELOW, Idle, measured
from ops.parallel import side_by_side
from ops.prices import Prices
from ops.reasons import failure_reason

# Seconds for prices: they are a nicety, for the project has a table.
_PRICES = 8.0


def cost(
    context: Context = None,
    json: Json = False,
    training_hours: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=10_000,
            help="How long the training runs; without it, what its workload says.",
        ),
    ] = None,
    actual: Annotated[
        bool,
        typer.Option("--actual", help="Also what has been spent (Cost Explorer: $0.01 a call)."),
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=365, help="Days that --actual covers.")] = 30,
) -> None:
    """Estimate what one full run costs, beside the same the way of 2024."""
    settings = settings_or_stop(context)
    aws = _login(settings)
    known = _prices(aws, settings)
    today = datetime.now(UTC).date()
    bills = [
        (way, costs.bill(settings, way, known, today))
        for way in costs.ways(settings, training_hours)
    ]
    spent = _actual(_deployment_or_stop(aws, settings), days) if actual else None
    if json:
        show.as_json(_document(settings, bills, known, spent))
    else:
        out = show.console()
        show.bills(out, settings, bills, known)
        if spent is not None:
            _show_actual(spent, days)
    raise typer.Exit(WARN if spent and spent["could_not_tell"] else PASS)


def _login(settings: Settings) -> Aws | None:
    """AWS with the caller's keys, if there are any: the estimate does without."""
    try:
        return log_in(connection(settings.region))
    except AwsError:
        return None


def _deployment_or_stop(aws: Aws | None, settings: Settings) -> Deployment:
    """The deployment, by the login that there is already: an MFA code is good for one."""
    return deployment_or_stop(settings, aws or logged_in_or_stop(settings))


def _prices(aws: Aws | None, settings: Settings) -> Prices:
    """The prices, from the project's table when AWS cannot be asked."""
    if aws is None:
        return prices.prices(None, settings)
    look = side_by_side({"prices": lambda: prices.prices(aws, settings)}, _PRICES)["prices"]
    failed = not look.done() or look.exception(timeout=0) is not None
    return prices.prices(None, settings) if failed else look.result()


def _document(
    settings: Settings,
    bills: list[tuple[costs.Way, list[costs.Item]]],
    known: Prices,
    spent: dict[str, Any] | None,
) -> dict[str, Any]:
    (_, ours), (_, theirs) = bills
    document: dict[str, Any] = {
        "prices": known.source,
        "notes": known.notes,
        "ways": [
            {
                "name": way.name,
                "hours": {**way.phases, "total": way.hours},
                "gpu_node_hours": settings.gpu.nodes * way.gpu_hours,
                "idle_gpu_node_hours": settings.gpu.nodes * way.idle_gpu_hours,
                "idle_gpu_hours": settings.gpus * way.idle_gpu_hours,
                "items": items,
                "total": costs.total(items),
            }
            for way, items in bills
        ],
        "saved": costs.total(theirs) - costs.total(ours),
    }
    return document if spent is None else {**document, "actual": spent}


def _actual(deployment: Deployment, days: int) -> dict[str, Any]:
    """What has been spent and how long GPU nodes were idle, or why that cannot be told."""
    looked: dict[str, Any] = {"days": days, "could_not_tell": {}}
    for name, ask in (("services", costs.actual), ("gpu_nodes", measured)):
        try:
            looked[name] = ask(deployment, days)
        except Exception as error:  # one that does not answer leaves the other standing
            looked["could_not_tell"][name] = failure_reason(error)
            looked[name] = None
    if isinstance(looked["gpu_nodes"], Idle):
        looked["gpu_nodes"] = asdict(looked["gpu_nodes"])
    return looked


def _show_actual(spent: dict[str, Any], days: int) -> None:
    out, silent = show.console(), spent["could_not_tell"]
    if spent["services"]:
        show.spent(out, spent["services"], days)
    elif "services" in silent:
        print(f"Spent: could not tell: {silent['services']}", file=sys.stderr)
    else:
        out.print(
            "Spent: nothing is booked under the deployment's tag. Activate the cost allocation "
            f"tag {DEPLOYMENT_TAG} in the Billing console; it takes a day."
        )
    idle = spent["gpu_nodes"]
    if idle:
        out.print(
            f"GPU nodes, measured: they ran for {idle['hours']:g} h, of which in "
            f"{idle['idle_hours']:g} h the GPUs were used less than {IDLE_BELOW:g} %"
        )
    else:
        why = silent.get("gpu_nodes", "CloudWatch has seen no GPU node of this cluster")
        out.print(f"Idle GPU nodes: not measured: {why}")
