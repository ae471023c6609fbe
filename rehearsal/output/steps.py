"""Shows the current step of a rehearsal, and how long each step took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table


@dataclass(frozen=True)
class Span:
    """A time span: its start, in seconds from a common origin, and its length."""

    name: str
    began: float
    seconds: float


class Steps:
    """Numbered steps on a console; a terminal also shows the current one's progress."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.spans: list[Span] = []
        self._beginning: float | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[Status]:
        """Announce a step, and print its time when the block succeeds."""
        self.console.print(f"\n[bold]{len(self.spans) + 1}. {title}[/]")
        began = time.monotonic()
        if self._beginning is None:
            self._beginning = began
        with self.console.status(title) as status:
            yield status
        span = Span(title, began - self._beginning, time.monotonic() - began)
        self.spans.append(span)
        self.console.print(f"   {span.seconds:.1f} s", style="dim")

    def say(self, line: str) -> None:
        """Print a line of the current step."""
        self.console.print(f"   {escape(line)}", highlight=False)

    def summary(self) -> Table:
        """Return the table of wall times."""
        table = Table(title="Wall times", title_justify="left", title_style="bold", show_edge=False)
        table.add_column("step")
        table.add_column("seconds", justify="right")
        for span in self.spans:
            table.add_row(span.name, f"{span.seconds:.1f}")
        table.add_row("total", f"{sum(span.seconds for span in self.spans):.1f}", style="bold")
        return table
