"""Results for people, as tables that fit the terminal, and for programs, as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bionemo_eks.configuration.settings import Settings
from ops.cost import Item, Way, total
from ops.leftovers import Leftover, Search, deletion
from ops.prices import Prices
from ops.results import Result, StepKind, Verdict
from ops.status import Line

_STYLES = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "magenta",
}


# A narrower terminal is none: COLUMNS=0, as some programs set it, would have nothing printed.
_NARROWEST = 20


def console() -> Console:
    """Return the terminal; into a pipe, lines as wide as COLUMNS says, or 100."""
    environment = dict(os.environ)
    if not fits(environment.get("COLUMNS", "")):
        environment.pop("COLUMNS", None)
    wide = None if sys.stdout.isatty() or "COLUMNS" in environment else 100
    return Console(width=wide, highlight=False, _environ=environment)


def fits(columns: str) -> bool:
    """Whether COLUMNS says a width in which something can be printed."""
    return columns.isdecimal() and int(columns) >= _NARROWEST


def _table(*columns: str, title: str = "") -> Table:
    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def as_json(value: Any) -> None:
    """Print dataclasses, or a list or an object of them, as JSON."""
    print(json.dumps(value, indent=2, default=asdict))


def results(out: Console, found: Sequence[Result]) -> None:
    """Print checks: a line each, and below them how to mend what fails."""
    table = _table("check", "", "what was found")
    # One permission that is missing may keep a dozen checks from telling.
    for (verdict, said), same in groupby(found, key=lambda each: (each.verdict, each.said)):
        checks = "\n".join(escape(each.name) for each in same)
        table.add_row(checks, f"[{_STYLES[verdict]}]{verdict}[/]", escape(said))
    out.print(table)
    for each in found:
        if each.remedy:
            out.print(f"[bold]{escape(each.name)}[/]:")
            for step in each.remedy:
                # What is there to be pasted stays in one piece, however long.
                whole = step.kind is not StepKind.SENTENCE
                out.print(f"  {escape(step.text)}", soft_wrap=whole)
    counts = {verdict: sum(each.verdict == verdict for each in found) for verdict in Verdict}
    out.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))


def status(out: Console, lines: Sequence[Line]) -> None:
    """Print the state of everything."""
    table = _table("", "name", "state")
    before = ""
    for line in lines:
        style = {True: "green", False: "bold red", None: ""}[line.good]
        state = f"[{style}]{escape(line.state)}[/]" if style else escape(line.state)
        table.add_row("" if line.part == before else line.part, escape(line.name), state)
        before = line.part
    out.print(table)


def bills(
    out: Console, settings: Settings, found: Sequence[tuple[Way, list[Item]]], known: Prices
) -> None:
    """Print hours and bills of two ways side by side, and the difference."""
    (ours, items), (theirs, other) = found
    out.print(_hours_table(settings, ours, theirs))
    table = _table("", "counted", ours.name, theirs.name, title="One full run, US dollars")
    for column in table.columns[2:]:
        column.justify = "right"
        column.no_wrap = True
    for mine, its in zip(items, other, strict=True):
        table.add_row(
            mine.name, escape(mine.counted), f"{mine.dollars:,.2f}", f"{its.dollars:,.2f}"
        )
    table.add_section()
    table.add_row("total", "", f"{total(items):,.2f}", f"{total(other):,.2f}", style="bold")
    out.print(table)
    saved = total(other) - total(items)
    if saved > 0:
        # Both train for as long, at one price, unless these nodes are bought as Spot.
        ever = "." if known.spot else ", however long the training runs."
        out.print(f"[bold]${saved:,.2f} less than the 2024 way[/]{ever}")
    out.print(f"Prices: {known.source}.")
    for note in known.notes:
        out.print(f"[yellow]{escape(note)}[/]")
    out.print(
        "The training time is the source document's, for two p3.16xlarge; yours: --training-hours."
    )


def _hours_table(settings: Settings, ours: Way, theirs: Way) -> Table:
    table = _table("", ours.name, theirs.name, title="One full run, hours")
    for column in table.columns[1:]:
        column.justify = "right"
    for phase, hours in ours.phases.items():
        table.add_row(phase, f"{hours:g}", f"{theirs.phases[phase]:g}")
    table.add_section()
    table.add_row("from deploy to destroy", f"{ours.hours:g}", f"{theirs.hours:g}", style="bold")
    table.add_row("each GPU node is paid for", f"{ours.gpu_hours:g}", f"{theirs.gpu_hours:g}")
    idle = [f"{way.idle_gpu_hours:g}" for way in (ours, theirs)]
    table.add_row("of which it is idle", *idle, style="yellow")
    lost = [f"{settings.gpus * way.idle_gpu_hours:,.1f}" for way in (ours, theirs)]
    table.add_row(f"idle GPU hours ({settings.gpus} GPUs)", *lost, style="yellow")
    return table


def spent(out: Console, services: dict[str, float], days: int) -> None:
    """Print what Cost Explorer tells."""
    table = _table("service", "US dollars", title=f"Spent in the last {days} days")
    table.columns[1].justify = "right"
    for name, dollars in sorted(services.items(), key=lambda each: -each[1]):
        table.add_row(name, f"{dollars:,.2f}")
    table.add_section()
    table.add_row("total", f"{sum(services.values()):,.2f}", style="bold")
    out.print(table)


def leftovers(out: Console, found: Search) -> None:
    """Print what is left, what is kept on purpose, and what could not be searched."""
    left, kept = found.left, [each for each in found.found if each.kept]
    if left:
        safe = [] if deletion.refusal(found) else deletion.safe(found)
        out.print(_leftover_table("Left over", left, safe))
    elif not found.blind:
        out.print("Nothing is left over.")
    else:
        out.print("Nothing is left over, as far as could be told.")
    if kept:
        out.print(_leftover_table("Kept on purpose", kept, None))
    for kind, why in found.blind.items():
        out.print(f"[magenta]could not tell[/] {kind}: {escape(why)}")


def _leftover_table(
    title: str, items: Sequence[Leftover], safe: Sequence[Leftover] | None
) -> Table:
    table = _table("kind", "id", "note", title=title)
    if safe is not None:
        table.add_column("--delete", no_wrap=True)
    for each in items:
        deletable = [] if safe is None else ["yes" if each in safe else "no"]
        table.add_row(each.kind, escape(each.id), escape(each.note), *deletable)
    return table
