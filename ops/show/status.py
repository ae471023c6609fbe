"""How a deployment is, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from ops.show.terminal import titled_table
from ops.status.lines import Line


def show_status(out: Console, lines: Sequence[Line]) -> None:
    """Print the state of everything."""
    table = titled_table("", "name", "state")
    before = ""
    for line in lines:
        style = {True: "green", False: "bold red", None: ""}[line.good]
        state = f"[{style}]{escape(line.state)}[/]" if style else escape(line.state)
        table.add_row("" if line.part == before else line.part, escape(line.name), state)
        before = line.part
    out.print(table)
