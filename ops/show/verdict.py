"""The end of a command's output: its verdict in a sentence, and the next step."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

NEXT = "Next: "


def show_verdict(out: Console, said: str, following: str = "") -> None:
    """Print the verdict, and the next step on a line of its own, ready to paste."""
    out.print(f"\n[bold]{escape(said)}[/]")
    if following:
        out.print(f"{NEXT}{escape(following)}", soft_wrap=True)


def bionemo(arguments: str, context: Sequence[str] | None) -> str:
    """Return the command `./bionemo ARGUMENTS` for the same settings."""
    return " ".join(["./bionemo", arguments, *_options(context)])


def make(target: str, context: Sequence[str] | None) -> str:
    """Return the command `make TARGET` for the same settings."""
    options = " ".join(_options(context)).replace("$", "$$")  # which make would expand
    return f"make {target} CONTEXT={shlex.quote(options)}" if options else f"make {target}"


def _options(context: Sequence[str] | None) -> list[str]:
    return [part for each in context or () for part in ("-c", shlex.quote(each))]
