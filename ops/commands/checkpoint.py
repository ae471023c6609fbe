"""`bionemo checkpoint`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.jobs.places import FSX
from ops.aws import Deployment
from ops.checkpoints import Checkpoint, newest_whole
from ops.commands.base import (
    FAIL,
    PASS,
    WARN,
    Context,
    Json,
    deployment_from_context_or_stop,
    say,
    stop,
)
from ops.left_by_run import Run, UnavailableError
from ops.show.terminal import as_json, console
from ops.show.verdict import bionemo, show_verdict
from ops.status.storage import exporting


def checkpoint(
    context: Context = None,
    json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Download it to this folder, which must not exist."),
    ] = None,
) -> None:
    """Show where the run's newest complete checkpoint is, on /fsx and in S3, and how to copy it.

    A checkpoint is complete if the bucket has every file in full size, or a ZIP archive to its end.
    Exit status: 0 if there is one, 1 if a newer one is on its way, 2 if there is none.
    """
    if out and out.exists():
        stop(f"--out {out} already exists. Name a new folder.")
    deployment = deployment_from_context_or_stop(context)
    run = Run(deployment)
    try:
        found, broken = newest_whole(run)
        if found and out:
            run.get_files(found.files, found.key.rpartition("/")[0] + "/", out, say)
    except UnavailableError as error:
        stop(str(error))
    except OSError as error:
        stop(f"{error.filename or out}: {error.strerror or error}")
    waits = _exporting(deployment)
    if json:
        as_json(_document(run, found, broken, waits))
    elif found is None:
        for key in broken:
            say(f"Incomplete: s3://{run.bucket}/{key}")
        stop(
            f"There is no complete checkpoint in s3://{run.bucket}/{run.prefix}\n"
            f"Next: {bionemo('status', context)}, which shows the progress of the training. For "
            "another run, give its settings (-c training.experiment=…)"
        )
    else:
        _show(run, found, broken, waits=waits, context=context, out=out)
    raise typer.Exit(FAIL if found is None else WARN if broken or waits else PASS)


def _exporting(deployment: Deployment) -> bool:
    """Whether /fsx may have something newer; False if unknown, as without a deployment."""
    try:
        return exporting(deployment)
    except (ClientError, BotoCoreError):
        return False


def _show(
    run: Run,
    found: Checkpoint,
    broken: list[str],
    *,
    waits: bool,
    context: list[str] | None,
    out: Path | None,
) -> None:
    terminal = console()
    there = f"s3://{run.bucket}/{found.key}"
    for label, value in (
        ("S3", there),
        ("on /fsx", f"{FSX}/{found.key}"),
        ("size", f"{found.size:,} bytes in {len(found.files)} files"),
        ("in S3 since", f"{found.written:%Y-%m-%d %H:%M} UTC"),
    ):
        # Text to be pasted stays on one line.
        terminal.print(f"{label:<12}{value}", soft_wrap=True, markup=False)
    for key in broken:
        terminal.print(f"newer, but incomplete: {key}", soft_wrap=True, markup=False)
    if waits:
        terminal.print("Changes on /fsx are waiting for export: there may be a newer one.")
    if out:
        show_verdict(terminal, f"Downloaded to {out}.")
        return
    every = " --recursive" if found.key.endswith("/") else ""
    show_verdict(
        terminal,
        "The checkpoint is complete. The training resumes from the newest one by itself; nothing "
        "needs to be copied.",
        f"{bionemo('checkpoint --out FOLDER', context)}, or "
        f"aws s3 cp{every} {shlex.quote(there)} FOLDER/",
    )


def _document(run: Run, found: Checkpoint | None, broken: list[str], waits: bool) -> dict[str, Any]:
    newest = found and {
        "s3": f"s3://{run.bucket}/{found.key}",
        "fsx": f"{FSX}/{found.key}",
        "files": found.files,
        "written": found.written.isoformat(),
    }
    return {"newest": newest, "not_whole": broken, "exporting": waits}
