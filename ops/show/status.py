"""Prints a deployment's status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.show.terminal import show_table, titled_table
from ops.status import NODE_GROUPS, STACKS, TASKS
from ops.status.lines import Line

# From this many on, lines are counted instead of listed.
_MANY = 3
_NAMED_AFTER_IT = {STACKS, NODE_GROUPS}


def show_status(out: Console, lines: Sequence[Line]) -> None:
    """Print the state of everything, one row each."""
    table = titled_table("", "name", "state")
    before = ""
    for line in lines:
        table.add_row("" if line.part == before else line.part, escape(line.name), _state(line))
        before = line.part
    show_table(out, table)


def show_summary(out: Console, lines: Sequence[Line], deployment: str) -> None:
    """Print the same on one screen: healthy items are counted, and names are shortened."""
    table = Table.grid("", "", padding=(0, 2))
    for part, all_of_it in groupby(lines, lambda line: line.part):
        for number, line in enumerate(_condensed(list(all_of_it))):
            before = f"{deployment}-" if part in _NAMED_AFTER_IT else ""
            name = line.name.removeprefix(before)
            state = f"{escape(name)}: {_state(line)}" if name else _state(line)
            table.add_row("" if number else f"[bold]{part}[/]", state)
    show_table(out, table)


def _condensed(part: list[Line]) -> Iterator[Line]:
    """Yield the lines of a part; healthy ones that begin alike become one line with their count.

    Of the finished tasks only the newest, which comes first, matters.
    """
    if part[0].part == TASKS:
        part = [part[0], *(line for line in part[1:] if line.unsettled or line.good is False)]
    alike: dict[str, list[Line]] = {}
    for line in part:
        alike.setdefault(line.state.partition(",")[0], []).append(line)
    counted = set[str]()
    for line in part:
        state = line.state.partition(",")[0]
        same = alike[state]
        if len(same) < _MANY or not all(each.good and not each.unsettled for each in same):
            yield line
        elif state not in counted:
            counted.add(state)
            yield Line(line.part, "", f"{len(same)} {state}", good=True)


def _state(line: Line) -> str:
    style = {True: "green", False: "bold red", None: ""}[line.good]
    return f"[{style}]{escape(line.state)}[/]" if style else escape(line.state)
