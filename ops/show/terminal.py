"""The terminal, and what all output to it shares."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

# Anything narrower is ignored: with COLUMNS=0, which some programs set, nothing would be printed.
_NARROWEST = 20
# With fewer columns, table cells would break in the middle of words.
_NARROW = 60


def console() -> Console:
    """Return the terminal; in a pipe, lines are as wide as COLUMNS says, or 100."""
    environment = dict(os.environ)
    if not fits(environment.get("COLUMNS", "")):
        environment.pop("COLUMNS", None)
    wide = None if sys.stdout.isatty() or "COLUMNS" in environment else 100
    return Console(width=wide, highlight=False, _environ=environment)


def at_a_terminal() -> bool:
    """Whether someone can read and answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def fits(columns: str) -> bool:
    """Whether COLUMNS is a usable width."""
    return columns.isdecimal() and int(columns) >= _NARROWEST


def titled_table(*columns: str, title: str = "") -> Table:
    """Return a table without rows; columns that are too narrow wrap their text."""
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


def show_table(out: Console, table: Table) -> None:
    """Print a table; on a narrow terminal row by row, the first cell above the others."""
    if out.width >= _NARROW:
        out.print(table)
        return
    if table.title:
        out.print(f"[bold]{table.title}[/]")
    headers = [str(column.header) for column in table.columns]
    for first, *others in zip(*(column.cells for column in table.columns), strict=True):
        if first:
            out.print(first, style="bold")
        for header, cell in zip(headers[1:], others, strict=True):
            if isinstance(cell, str) and cell:  # a bar has no room
                out.print(Padding(f"{header}: {cell}" if header else cell, (0, 0, 0, 2)))


def as_json(value: Any) -> None:
    """Print dataclasses, or a list or an object of them, as JSON."""
    print(json.dumps(value, indent=2, default=asdict))
