"""What every command shares: its options, its settings, how it stops."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from bionemo_eks.cdk_context import settings_of
from bionemo_eks.settings import Settings
from bionemo_eks.settings_reader import SettingsError
from ops.aws import AwsError, Deployment, deployment
from ops.project import ROOT

PASS, WARN, FAIL = 0, 1, 2

Context = Annotated[
    list[str] | None,
    typer.Option("--context", "-c", metavar="KEY=VALUE", help="A setting, as for cdk; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def stop(message: str, status: int = FAIL) -> NoReturn:
    """End the command with a message for people."""
    print(message, file=sys.stderr)
    raise typer.Exit(status)


def settings_or_stop(context: list[str] | None) -> Settings:
    """Return the settings; end the command when they are bad."""
    try:
        return settings_of(ROOT, context or [])
    except SettingsError as error:
        stop(str(error))


def found_or_stop(context: list[str] | None) -> Deployment:
    """Return the deployment in the caller's account; end the command without an account."""
    settings = settings_or_stop(context)
    try:
        return deployment(settings)
    except AwsError as error:
        stop(str(error))
