"""Shows which step a rehearsal is at, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table


class Steps:
    """Numbered steps on a console; on a terminal the current one says how far it is."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Status]:
        """Announce a step, and its time when the block ends well."""
        self.console.print(f"\n[bold]{len(self._seconds) + 1}. {title}[/]")
        began = time.monotonic()
        with self.console.status(title) as status:
            yield status
        self._seconds[title] = time.monotonic() - began
        self.console.print(f"   {self._seconds[title]:.1f} s", style="dim")

    def say(self, line: str) -> None:
        """Print a line that belongs to the current step."""
        self.console.print(f"   {escape(line)}", highlight=False)

    def summary(self) -> Table:
        """Return the table of wall times."""
        table = Table(title="Wall times", title_justify="left", title_style="bold", show_edge=False)
        table.add_column("step")
        table.add_column("seconds", justify="right")
        for title, seconds in self._seconds.items():
            table.add_row(title, f"{seconds:.1f}")
        table.add_row("all", f"{sum(self._seconds.values()):.1f}", style="bold")
        return table
