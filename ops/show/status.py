"""How a deployment is, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.show.terminal import show_table, titled_table
from ops.status import NODE_GROUPS, STACKS, TASKS
from ops.status.lines import Line

# From so many on they are counted.
_MANY = 3
_NAMED_AFTER_IT = {STACKS, NODE_GROUPS}


def show_status(out: Console, lines: Sequence[Line]) -> None:
    """Print the state of everything, a row each."""
    table = titled_table("", "name", "state")
    before = ""
    for line in lines:
        table.add_row("" if line.part == before else line.part, escape(line.name), _state(line))
        before = line.part
    show_table(out, table)


def show_summary(out: Console, lines: Sequence[Line], deployment: str) -> None:
    """Print the same on one screen: what is well is counted, and names are as short as can be."""
    table = Table.grid("", "", padding=(0, 2))
    for part, all_of_it in groupby(lines, lambda line: line.part):
        for number, line in enumerate(_condensed(list(all_of_it))):
            before = f"{deployment}-" if part in _NAMED_AFTER_IT else ""
            name = line.name.removeprefix(before)
            state = f"{escape(name)}: {_state(line)}" if name else _state(line)
            table.add_row("" if number else f"[bold]{part}[/]", state)
    show_table(out, table)


def _condensed(part: list[Line]) -> Iterator[Line]:
    """Yield the lines of a part; of those that are well and begin alike, one that counts them.

    Of the tasks that have ended the newest, which comes first, has mended the others.
    """
    if part[0].part == TASKS:
        part = [part[0], *(line for line in part[1:] if line.unsettled or line.good is False)]
    alike: dict[str, list[Line]] = {}
    for line in part:
        alike.setdefault(line.state.partition(",")[0], []).append(line)
    told = set[str]()
    for line in part:
        state = line.state.partition(",")[0]
        same = alike[state]
        if len(same) < _MANY or not all(each.good and not each.unsettled for each in same):
            yield line
        elif state not in told:
            told.add(state)
            yield Line(line.part, "", f"{len(same)} {state}", good=True)


def _state(line: Line) -> str:
    style = {True: "green", False: "bold red", None: ""}[line.good]
    return f"[{style}]{escape(line.state)}[/]" if style else escape(line.state)
