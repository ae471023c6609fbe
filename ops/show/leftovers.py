"""Prints leftovers."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.leftovers import Leftover, Search, belonging, deletion
from ops.show.terminal import show_table, titled_table


def show_leftovers(out: Console, search: Search) -> None:
    """Print what is left, what is kept on purpose, and what could not be searched.

    Leaves out everything that an existing stack holds, or may hold.
    """
    left, kept = belonging.left_over(search), [each for each in search.found if each.kept]
    if belonging.existing(search):
        kept = []  # it is in use
    if left:
        safe = [] if deletion.refusal(search) else deletion.safe(search)
        show_table(out, _listed("Left over", left, safe))
    if kept:
        show_table(out, _listed("Kept on purpose", kept, None))
    for kind, why in search.blind.items():
        out.print(f"[magenta]unknown[/] {kind}: {escape(why)}")


def _listed(title: str, items: Sequence[Leftover], safe: Sequence[Leftover] | None) -> Table:
    table = titled_table("kind", "id", "note", title=title)
    if safe is not None:
        table.add_column("--delete", no_wrap=True)
    for each in items:
        deletable = [] if safe is None else ["yes" if each in safe else "no"]
        table.add_row(each.kind, escape(each.id), escape(each.note), *deletable)
    return table
