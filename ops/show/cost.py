"""Prints estimates and spending."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from ops.cost.bill import Bill
from ops.cost.idle import IDLE_BELOW
from ops.cost.prices import Prices
from ops.cost.spending import Spending
from ops.cost.ways import Way
from ops.show.terminal import show_table, titled_table


def show_bills(out: Console, settings: Settings, ours: Bill, theirs: Bill, known: Prices) -> None:
    """Print the hours and bills of both ways side by side, and the difference."""
    show_table(out, _hours(settings, ours.way, theirs.way))
    show_table(out, _dollars(ours, theirs))
    saved = theirs.total - ours.total
    if saved > 0:
        # Both train equally long at the same price, unless these nodes are bought differently.
        ever = ", about the same however long the training runs."
        if known.spot or known.block:
            ever = "."
        out.print(f"[bold]${saved:,.2f} less than the 2024 blueprint[/]{ever}")
    out.print(f"Prices: {known.source}.")
    for note in known.notes:
        out.print(f"[yellow]{escape(note)}[/]")
    if settings.training.enabled:
        source = settings.workload.rates.source
        out.print(f"Training time: {source}. To set your own: --training-hours.")
    else:
        out.print("No training: training.enabled is false.")


def show_estimate(out: Console, settings: Settings, bill: Bill | None, known: Prices) -> None:
    """Print what a run costs in a few lines; `bill` is None if a node's price is unknown."""
    nodes = f"{settings.gpu.nodes} x {settings.gpu.instance_type}, {settings.gpu.purchase}"
    if bill is None:
        out.print(f"The cost of a run is unknown: {nodes}, has no hourly price.")
        return
    way = bill.way
    out.print(
        f"A full run costs about [bold]${bill.total:,.2f}[/] in {way.hours:g} h, with GPU nodes "
        f"({nodes}) for {way.gpu_hours:g} h. Prices: {escape(known.source)}. "
        "Details: ./bionemo cost"
    )
    for note in known.notes:
        out.print(f"[yellow]{escape(note)}[/]")


def _dollars(ours: Bill, theirs: Bill) -> Table:
    ways = (ours.way.name, theirs.way.name)
    table = titled_table("", "quantity", "price from", *ways, title="One full run, US dollars")
    for column in table.columns[3:]:
        column.justify = "right"
        column.no_wrap = True
    for mine, its in zip(ours.items, theirs.items, strict=True):
        dollars = (f"{mine.dollars:,.2f}", f"{its.dollars:,.2f}")
        table.add_row(mine.name, escape(mine.counted), mine.source, *dollars)
    table.add_section()
    table.add_row("total", "", "", f"{ours.total:,.2f}", f"{theirs.total:,.2f}", style="bold")
    return table


def _hours(settings: Settings, ours: Way, theirs: Way) -> Table:
    table = titled_table("", ours.name, theirs.name, title="One full run, hours")
    for column in table.columns[1:]:
        column.justify = "right"
    for phase, hours in ours.phases.items():
        table.add_row(phase, f"{hours:g}", f"{theirs.phases[phase]:g}")
    table.add_section()
    table.add_row("from deploy to destroy", f"{ours.hours:g}", f"{theirs.hours:g}", style="bold")
    table.add_row("paid per GPU node", f"{ours.gpu_hours:g}", f"{theirs.gpu_hours:g}")
    idle = [f"{way.idle_gpu_hours:g}" for way in (ours, theirs)]
    table.add_row("of which idle", *idle, style="yellow")
    lost = [f"{settings.gpus * way.idle_gpu_hours:,.1f}" for way in (ours, theirs)]
    table.add_row(f"idle GPU hours ({settings.gpus} GPUs)", *lost, style="yellow")
    return table


def show_spending(out: Console, spent: Spending) -> None:
    """Print what Cost Explorer and CloudWatch report; if the former fails, say so on stderr."""
    if spent.services:
        show_table(out, _services(spent.services, spent.days))
    elif "services" in spent.could_not_tell:
        why = spent.could_not_tell["services"]
        print(f"Spent: unknown: {why}", file=sys.stderr)
    else:
        out.print(
            "Spent: no costs are recorded under the deployment's tag. Activate the cost allocation "
            f"tag {DEPLOYMENT_TAG} in the Billing console; it takes a day."
        )
    if spent.gpu_nodes:
        out.print(
            f"GPU nodes, measured: ran for {spent.gpu_nodes.hours:g} h, with GPU utilization "
            f"below {IDLE_BELOW:g} % for {spent.gpu_nodes.idle_hours:g} h"
        )
    else:
        unseen = "CloudWatch has no data on GPU nodes of this cluster"
        out.print(f"Idle GPU nodes: not measured: {spent.could_not_tell.get('gpu_nodes', unseen)}")


def _services(services: dict[str, float], days: int) -> Table:
    table = titled_table("service", "US dollars", title=f"Spent in the last {days} days")
    table.columns[1].justify = "right"
    for name, dollars in sorted(services.items(), key=lambda each: -each[1]):
        table.add_row(name, f"{dollars:,.2f}")
    table.add_section()
    table.add_row("total", f"{sum(services.values()):,.2f}", style="bold")
    return table
