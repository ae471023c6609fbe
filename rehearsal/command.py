"""The rehearsal's command line: `run` and `serve`."""

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
    help="Rehearse the deployment on this machine, without an AWS account.",
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
_PORT = "Port on 127.0.0.1; 0 picks a free one."

Context = Annotated[
    list[str] | None,
    typer.Option("--context", "-c", metavar="KEY=VALUE", help="A setting, as for cdk; repeatable."),
]


@app.command()
def run(
    context: Context = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Keep Kubernetes objects, charts and AWS resources as YAML."),
    ] = False,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Also deploy, update and destroy on this cluster, with the kubectl of the "
            "deployment's Lambda layer. The cluster is left as it was.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help=_PORT)] = 0,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            help=f"Where to keep the files; implies --keep. Default: {KEPT.relative_to(ROOT)}.",
        ),
    ] = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train",
            help="Also run the training pods on this machine, with a small ESM-2 on CPU, and use "
            "the model. Needs the environment from `make setup-training`.",
        ),
    ] = False,
    fasta: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="Your own sequences, plain or gzipped, instead of made-up ones: shows how the "
            "data Job processes them with these settings.",
        ),
    ] = None,
) -> None:
    """Deploy everything, show it, compare, destroy it, and show what is left.

    The real CDK CLI runs against a local AWS. A ledger replaces the cluster and refuses what an API
    server would refuse. The exit status is 0 if every step succeeded. An HTML page lists what was
    created; its path is printed at the end.

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
    """Start only the local AWS, and print the variables with which cdk and other tools find it.

    Example: `python -m rehearsal serve --port 4566`, then in another terminal run the lines that it
    prints, `npx cdk bootstrap` and
    `npx cdk deploy --all --require-approval never --import-existing-resources`. The last flag
    adopts the bucket of an earlier deployment. Ctrl-C stops the server; nothing is kept.
    """
    refuse_a_real_account()
    region = settings_of(ROOT, WORKLOADS, context or []).region
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            local_aws(port, region, Path(folder)) as running,
        ):
            _print_exports(exports(running.endpoint, region))
            print(f"# Objects applied, one file per cluster: {Path(folder) / LEDGER_FOLDER}")
            print("# Ctrl-C stops it.", flush=True)
            running.wait()
    except KeyboardInterrupt:
        print("# Stopped.")


def _print_exports(variables: dict[str, str]) -> None:
    print("# The local AWS is running. In another terminal:")
    print(f"unset {' '.join(OF_A_REAL_ACCOUNT)}")
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


def run_app() -> int:
    """Run the command line; print one message if it fails, and return the exit status."""
    try:
        app()
    except _EXPECTED as error:
        notes = getattr(error, "__notes__", [])
        print("", error, *notes, _NOT_PASSED, "", sep="\n", file=sys.stderr)
        return 1
    return 0
