"""`bionemo model`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.base import Context, deployment_from_context_or_stop, say, stop
from ops.left_by_run import Run, UnavailableError
from ops.show.terminal import console
from ops.show.verdict import show_verdict

model = typer.Typer(
    help="Get the exported model of a run.", no_args_is_help=True, rich_markup_mode="markdown"
)


@model.callback()
def _several() -> None:
    """Keep `get` a subcommand, though it is the only one."""


@model.command()
def get(
    context: Context = None,
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="Download it to this folder, which must not exist."),
    ] = Path("model"),
) -> None:
    """Download the exported model of the run that the settings describe."""
    if out.exists():
        stop(f"--out {out} already exists. Name a new folder.")
    try:
        Run(deployment_from_context_or_stop(context)).get_model(out, say)
    except UnavailableError as error:
        stop(str(error))
    except OSError as error:
        stop(f"{error.filename or out}: {error.strerror or error}")
    show_verdict(
        console(),
        f"{out} is complete. Use it with EsmForMaskedLM.from_pretrained, training.start and "
        "./bionemo embed.",
        f"./bionemo embed --model {shlex.quote(str(out))} --fasta FILE",
    )
