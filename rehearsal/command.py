"""The command line of the rehearsal: `run` and `serve`."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.jobs.workloads import WORKLOADS
from rehearsal.inputs import ElsewhereError
from rehearsal.local_aws.ledgers import LEDGER_FOLDER
from rehearsal.local_aws.server import ServerError, local_aws
from rehearsal.machine.environment import (
    OF_A_REAL_ACCOUNT,
    ROOT,
    UnsafeEnvironmentError,
    exports,
    refuse_a_real_account,
)
from rehearsal.machine.stopping import NOTHING_LEFT, STOPPED
from rehearsal.machine.workspace import KEPT, WorkspaceError
from rehearsal.pods.container import PodError
from rehearsal.programs.cdk_cli import CdkError
from rehearsal.programs.cluster import ClusterError
from rehearsal.programs.kubeconfig import KubeconfigError
from rehearsal.programs.kubectl import KubectlError
from rehearsal.run import Options, RehearsalError, rehearse
from rehearsal.training import CONTEXT as TRAINING_CONTEXT
from rehearsal.training import refuse_without_pytorch

app = typer.Typer(
    help="The deployment on this machine, with no AWS account.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
_EXPECTED = (
    CdkError,
    ClusterError,
    ElsewhereError,
    KubeconfigError,
    KubectlError,
    PodError,
    RehearsalError,
    ServerError,
    SettingsError,
    UnsafeEnvironmentError,
    WorkspaceError,
)
_NOT_PASSED = "Not passed. Nothing reached AWS."
_PORT = "Of 127.0.0.1; 0: one that is free."

Context = Annotated[
    list[str] | None,
    typer.Option("--context", "-c", metavar="KEY=VALUE", help="A setting, as for cdk; repeatable."),
]


@app.command()
def run(
    context: Context = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave objects, charts and resources to read."),
    ] = False,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Also tell this cluster each step, with the kubectl of the pinned layer: deploy, "
            "update, destroy. It is left as it was.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help=_PORT)] = 0,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            help=f"Where to leave them, which implies --keep; else {KEPT.relative_to(ROOT)}.",
        ),
    ] = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train",
            help="Also run the training's pods here, of a small ESM-2 on CPU, and use the model. "
            "Needs the environment of `make setup-training`.",
        ),
    ] = False,
    fasta: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="Sequences of your own, plain or gzipped, for the data Job in place of made-up "
            "ones: what comes out of them with these settings.",
        ),
    ] = None,
) -> None:
    """Deploy everything, show what stands, compare, destroy, show what is left.

    The real CDK CLI runs against a local AWS. In place of a cluster stands a ledger, which
    refuses what an API server would refuse. The exit status is 0 when every step went well. A page
    for a browser is left, which says what was made; its last lines say where.

    Example: `python -m rehearsal run --keep -c gpu.nodes=1 -c kubernetes_version=1.34`
    """
    console = Console(width=None if sys.stdout.isatty() else 100)
    options = Options(
        context=[*(TRAINING_CONTEXT if train else ()), *(context or [])],
        keep=keep or bool(folder),
        kubeconfig=kubeconfig,
        port=port,
        folder=folder or KEPT,
        train=train,
        fasta=fasta,
    )
    try:
        refuse_a_real_account()
        if train:
            refuse_without_pytorch()
        rehearse(options, console)
    except KeyboardInterrupt as stopped:
        left = getattr(stopped, "__notes__", [])
        print("", *(left or [NOTHING_LEFT]), sep="\n", file=sys.stderr)
        raise typer.Exit(STOPPED) from None


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help=_PORT)] = 4566,
    context: Context = None,
) -> None:
    """Start the local AWS alone, and print what to export so that cdk and others find it.

    Example: `python -m rehearsal serve --port 4566`, then in another terminal the lines that it
    prints, then `npx cdk bootstrap` and
    `npx cdk deploy --all --require-approval never --import-existing-resources`, which finds the
    bucket that an earlier deployment left. Ctrl-C ends it; nothing is kept.
    """
    refuse_a_real_account()
    region = settings_of(ROOT, WORKLOADS, context or []).region
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            local_aws(port, region, Path(folder)) as running,
        ):
            _tell_what_to_export(exports(running.endpoint, region))
            print(f"# What clusters are told, one file each: {Path(folder) / LEDGER_FOLDER}")
            print("# Ctrl-C ends it.", flush=True)
            running.wait()
    except KeyboardInterrupt:
        print("# Ended.")


def _tell_what_to_export(variables: dict[str, str]) -> None:
    print("# The local AWS runs. In another terminal:")
    print(f"unset {' '.join(OF_A_REAL_ACCOUNT)}")
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


def run_app() -> int:
    """Run the command line; return the exit status, with one message for what went wrong."""
    try:
        app()
    except _EXPECTED as error:
        notes = getattr(error, "__notes__", [])
        print("", error, *notes, _NOT_PASSED, "", sep="\n", file=sys.stderr)
        return 1
    return 0
