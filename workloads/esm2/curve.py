"""Plot a run's losses and speed, from the metrics.jsonl that the training writes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# The panels: axis, then column and label of each line.
_PANELS = (
    ("loss (nats)", (("loss", "training"), ("validation_loss", "validation"))),
    ("accuracy at <mask>", (("validation_accuracy", "validation"),)),
    ("tokens/s on each GPU", (("tokens_per_second_per_gpu", "training"),)),
    ("steps/s", (("steps_per_second", "training"),)),
)
_FORMATS = (".png", ".svg", ".pdf")


def read_metrics(lines: Iterable[str]) -> list[dict[str, float]]:
    """The objects of metrics.jsonl, without incomplete lines."""
    found = []
    for line in lines:
        try:
            values = json.loads(line)
            values["step"]
        except (ValueError, KeyError, TypeError):
            continue
        found.append(values)
    return found


def column(metrics: list[dict[str, float]], name: str) -> tuple[list[float], list[float]]:
    """Steps and values of the lines that have `name`."""
    pairs = [(each["step"], each[name]) for each in metrics if name in each]
    return [step for step, _ in pairs], [value for _, value in pairs]


def _panel(axes: Axes, metrics: list[dict[str, float]], lines: Iterable[tuple[str, str]]) -> None:
    for name, label in lines:
        steps, values = column(metrics, name)
        few = "o-" if len(steps) < 30 else "-"
        axes.plot(steps, values, few, label=label, markersize=3, linewidth=1.2)


def draw(metrics: list[dict[str, float]], title: str) -> Figure:
    """The figure, with a panel for each metric that the run has."""
    there = {name for each in metrics for name in each}
    shown = [each for each in _PANELS if any(name in there for name, _ in each[1])] or _PANELS[:1]
    figure = Figure(figsize=(8, 3 * len(shown)), layout="constrained")
    panels = figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0]
    for axes, (label, lines) in zip(panels, shown, strict=True):
        _panel(axes, metrics, lines)
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend()
    panels[-1].set_ylim(bottom=0)
    panels[-1].set_xlabel("step")
    tests = [each["test_loss"] for each in metrics if "test_loss" in each]
    figure.suptitle(f"{title}: test loss {tests[-1]:.4f}" if tests else title)
    return figure


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--metrics", type=Path, required=True, metavar="FILE", help="the run's metrics.jsonl")
    add("--out", type=Path, required=True, metavar="FILE", help="the picture: png, svg or pdf")
    add("--title", default="ESM-2", help="(%(default)s)")
    options = parser.parse_args(arguments)
    if options.out.suffix not in _FORMATS:
        parser.error(f"--out {options.out}: name a file in {', '.join(_FORMATS)}")
    try:
        metrics = read_metrics(options.metrics.read_text().splitlines())
        if not metrics:
            print(f"error: {options.metrics}: has no metrics of a training run", file=sys.stderr)
            return 2
        draw(metrics, options.title).savefig(options.out, dpi=130)
    except OSError as error:
        print(f"error: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(metrics)} lines from {options.metrics}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
