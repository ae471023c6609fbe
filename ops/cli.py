"""The command line: `./bionemo preflight | ready | status | verify | retry | cost | …`."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from ops.commands.base import FAIL
from ops.commands.checkpoint import checkpoint
from ops.commands.cost import cost
from ops.commands.curve import curve
from ops.commands.embed import embed
from ops.commands.leftovers import leftovers
from ops.commands.logs import logs
from ops.commands.model import model
from ops.commands.preflight import preflight
from ops.commands.ready import ready
from ops.commands.retry import retry
from ops.commands.shell import shell
from ops.commands.status import status
from ops.commands.verify import verify
from ops.project import version
from ops.show.terminal import fits

app = typer.Typer(
    help="Operate BioNeMo on EKS before, during and after a deployment. Reads the same settings "
    "as the stacks (cdk.json, cdk.context.json, -c) and changes nothing unless it says so.\n\n"
    "Exit status: 0 for success, 1 for warnings or unknown results, 2 for failures.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for _command in (
    preflight,
    ready,
    status,
    verify,
    logs,
    shell,
    retry,
    cost,
    leftovers,
    checkpoint,
    curve,
    embed,
):
    app.command()(_command)
app.add_typer(model, name="model")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"bionemo {version()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that come before a command."""


_DEBUG = "BIONEMO_DEBUG"


def main() -> int:
    """Run the command line; an unexpected error is one message and exit status 2.

    Python's own status would be 1, which means warnings here.
    """
    if not fits(os.environ.get("COLUMNS", "")):
        os.environ.pop("COLUMNS", None)  # else typer would use it for the help
    try:
        app(prog_name="bionemo")
    except Exception as error:
        if os.environ.get(_DEBUG):
            traceback.print_exc()
        why = (str(error).strip().splitlines() or ["no details"])[0]
        print(
            f"bionemo: unexpected {type(error).__name__}: {why}\n  For the traceback: {_DEBUG}=1",
            file=sys.stderr,
        )
        return FAIL
    return 0
