"""Draws README's picture of `make rehearse`: the end of each step's output.

COLUMNS=92 python -m rehearsal run | python docs/images/terminal.py > docs/images/rehearse.svg
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

COLUMNS, LINES_PER_STEP = 100, 2
_STEP = re.compile(r"\d+\. ")
_TIME = re.compile(r" +\d+\.\d s")
_TABLE = re.compile("[\u2500-\u257f]")
_STYLES = {
    r"^\$ .*": "bold",
    r"^\d+\. .*": "bold",
    r"\b(pass|Passed|ACTIVE)\b": "green",
    r"\bunknown\b": "magenta",
    r"^Next: .*": "bold",
}


def ends(lines: list[str]) -> Iterator[str]:
    """Each step's heading with its time, and its last lines; all from the verdict on."""
    heading, step = "", list[str]()
    for line in lines:
        if _STEP.match(line):
            heading, step = line, []
        elif _TIME.fullmatch(line):
            yield f"{heading:<{COLUMNS - 10}}{line.strip():>8}"
            yield from step[-LINES_PER_STEP:]
        elif line.startswith(20 * " ") or _TABLE.search(line):
            step = step[:-1]  # half of what a table's row says
        elif line.strip():
            step.append(f"   {line.strip()}")
    yield ""
    yield from lines[next(at for at, line in enumerate(lines) if line.startswith("Passed")) :]


def main() -> None:
    """Read a rehearsal's output, write an SVG file."""
    console = Console(record=True, width=COLUMNS, file=sys.stderr)
    lines = [line.rstrip()[:COLUMNS] for line in sys.stdin.read().splitlines()]
    for line in ["$ make rehearse", *ends(lines)]:
        text = Text(line, no_wrap=True)
        for pattern, style in _STYLES.items():
            text.highlight_regex(pattern, style)
        console.print(text)
    # A title of its own keeps the file the same from run to run.
    print(console.export_svg(title="BioNeMo on EKS", unique_id="rehearse"))


if __name__ == "__main__":
    main()
