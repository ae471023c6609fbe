"""Prints the results of checks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from ops.results import Result, StepKind, Verdict
from ops.show.terminal import show_table, titled_table

_STYLES = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "magenta",
}


def show_results(
    out: Console, results: Sequence[Result], of: Sequence[Result] | None = None
) -> None:
    """Print one line per check, then how to fix what fails, then the counts.

    `of`: all checks that ran, where `results` are only some of them.
    """
    table = titled_table("check", "", "result")
    for before, each in zip((None, *results), results, strict=False):
        # One missing permission may leave a dozen checks unknown.
        unknown = each.verdict is Verdict.UNKNOWN
        again = unknown and before is not None and before.said == each.said
        verdict = f"[{_STYLES[each.verdict]}]{each.verdict}[/]"
        table.add_row(escape(each.name), verdict, "same as above" if again else escape(each.said))
    if results:
        show_table(out, table)
    for each in results:
        if each.remedy:
            out.print(f"[bold]{escape(each.name)}[/]:")
            for step in each.remedy:
                # Text to be pasted stays on one line, however long.
                whole = step.kind is not StepKind.SENTENCE
                out.print(f"  {escape(step.text)}", soft_wrap=whole)
    every = results if of is None else of
    counts = {verdict: sum(each.verdict == verdict for each in every) for verdict in Verdict}
    out.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))
