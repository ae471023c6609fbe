"""What all commands share: options, settings, how they stop."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.workloads import WORKLOADS
from ops.aws import Aws, AwsError, Deployment, connection, deployment_of, log_in
from ops.project import ROOT

PASS, WARN, FAIL = 0, 1, 2

Context = Annotated[
    list[str] | None,
    typer.Option("--context", "-c", metavar="KEY=VALUE", help="A setting, as in cdk; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(text: str) -> None:
    """Print a message to standard error, so that it does not mix with JSON."""
    print(text, file=sys.stderr)


def stop(message: str, status: int = FAIL) -> NoReturn:
    """End the command with a message."""
    say(message)
    raise typer.Exit(status)


def settings_or_stop(context: list[str] | None) -> Settings:
    """Return the settings; end the command if they are invalid."""
    try:
        return settings_of(ROOT, WORKLOADS, context or [])
    except SettingsError as error:
        stop(str(error))


def logged_in_or_stop(settings: Settings) -> Aws:
    """Return AWS with the caller's credentials, asking if need be; end the command without them."""
    try:
        return log_in(connection(settings.region))
    except AwsError as error:
        stop(str(error))


def deployment_or_stop(settings: Settings, aws: Aws) -> Deployment:
    """Return the deployment in the caller's account; end the command without an account."""
    try:
        return deployment_of(settings, aws)
    except AwsError as error:
        stop(str(error))


def deployment_from_context_or_stop(context: list[str] | None) -> Deployment:
    """Return the deployment that the settings describe; end the command without an account."""
    settings = settings_or_stop(context)
    return deployment_or_stop(settings, logged_in_or_stop(settings))


def agreed(question: str) -> bool:
    """Ask on standard error, so that it does not mix with JSON; no answer means no."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False
