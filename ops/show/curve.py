"""A run's metrics on the terminal."""

from __future__ import annotations

from rich.bar import Bar
from rich.console import Console

from ops.show.terminal import show_table, titled_table

_ROWS, _WIDTH = 24, 30
_COLUMNS = (
    ("loss", "loss", "{:.4f}"),
    ("validation_loss", "validation", "{:.4f}"),
    ("validation_accuracy", "accuracy", "{:.3f}"),
    ("tokens_per_second_per_gpu", "tokens/s/GPU", "{:,.0f}"),
    ("steps_per_second", "steps/s", "{:.2f}"),
)


def show_curve(out: Console, metrics: list[dict[str, float]], title: str) -> None:
    """Print losses and rates by step, with a bar for the training loss; samples a long run."""
    by_step: dict[float, dict[str, float]] = {}
    for each in metrics:
        by_step.setdefault(each["step"], {}).update(each)
    rows = [by_step[step] for step in sorted(by_step)]
    # The line of a start has the precision only.
    rows = [row for row in rows if any(name in row for name, _, _ in _COLUMNS)] or rows
    shown = [rows[round(at * (len(rows) - 1) / (_ROWS - 1))] for at in range(_ROWS)]
    rows = rows if len(rows) <= _ROWS else shown
    columns = [each for each in _COLUMNS if any(each[0] in row for row in rows)]
    table = titled_table("step", *(label for _, label, _ in columns), "", title=title)
    for column in table.columns[:-1]:
        column.justify = "right"
    most = max((each["loss"] for each in rows if "loss" in each), default=1.0)
    for each in rows:
        cells = [form.format(each[name]) if name in each else "" for name, _, form in columns]
        bar = Bar(most, 0, each["loss"], width=_WIDTH) if "loss" in each else ""
        table.add_row(f"{each['step']:,}", *cells, bar)
    show_table(out, table)
