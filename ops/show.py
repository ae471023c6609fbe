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

from ops.cost import Item, Way, total
from ops.leftovers import Leftover, Search
from ops.results import Result, Verdict
from ops.status import Line

_STYLES = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "magenta",
}


def console() -> Console:
    """Return the terminal; into a pipe, lines as wide as COLUMNS says, or 100."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100
    return Console(width=wide, highlight=False)


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
        names = "\n".join(escape(each.name) for each in same)
        table.add_row(names, f"[{_STYLES[verdict]}]{verdict}[/]", escape(said))
    out.print(table)
    for each in found:
        if each.remedy:
            out.print(f"[bold]{escape(each.name)}[/]: {escape(each.remedy)}", soft_wrap=True)
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


def bills(out: Console, found: Sequence[tuple[Way, list[Item]]], source: str) -> None:
    """Print the bills of two ways side by side, and the difference."""
    (ours, items), (theirs, other) = found
    table = _table(
        "", f"counted for {ours.name}", ours.name, theirs.name, title="One full run, US dollars"
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for mine, its in zip(items, other, strict=True):
        table.add_row(
            mine.name, escape(mine.counted), f"{mine.dollars:,.2f}", f"{its.dollars:,.2f}"
        )
    table.add_section()
    table.add_row("total", "", f"{total(items):,.2f}", f"{total(other):,.2f}", style="bold")
    out.print(table)
    for way, _ in found:
        out.print(
            f"{way.name}: {way.hours:g} h from deploy to destroy; each GPU node is paid for "
            f"{way.gpu_hours:g} h, of which {way.idle_gpu_hours:g} h idle"
        )
    out.print(f"Prices: {source}. Training time is an assumption: --training-hours.")


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
    left = [each for each in found.found if not each.kept]
    kept = [each for each in found.found if each.kept]
    if left:
        out.print(_leftover_table("Left over", left, "--delete removes it"))
    else:
        out.print("Nothing is left over.")
    if kept:
        out.print(_leftover_table("Kept on purpose", kept, ""))
    for kind, why in found.blind.items():
        out.print(f"[magenta]could not tell[/] {kind}: {escape(why)}", soft_wrap=True)


def _leftover_table(title: str, items: Sequence[Leftover], last: str) -> Table:
    table = _table("kind", "id", "note", *([last] if last else []), title=title)
    for each in items:
        deletable = ["yes" if each.delete else "no"] if last else []
        table.add_row(each.kind, escape(each.id), escape(each.note), *deletable)
    return table
