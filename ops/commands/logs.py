"""`bionemo logs`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError

from ops.aws import AwsError, Deployment, log_in
from ops.commands.base import PASS, WARN, Context, Json, deployment_from_context_or_stop, say, stop
from ops.logs import Printed, Reader, What, source
from ops.reasons import code_of, reason
from ops.show.terminal import as_json
from ops.show.verdict import NEXT, bionemo

# Seconds between polls.
_INTERVAL = 5.0
_DAY = 24
_LONGEST = 10 * 366 * _DAY


def logs(
    what: Annotated[
        What, typer.Argument(help="The data Job or the training workers.", show_default=False)
    ],
    context: Context = None,
    json: Json = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new lines, until Ctrl-C.")
    ] = False,
    hours: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=_LONGEST,
            help="How far back; by default the last hour or, if that has nothing, the last day, "
            "or as long as logs are kept.",
        ),
    ] = None,
    worker: Annotated[
        int | None, typer.Option(min=0, help="Only this worker of the training.")
    ] = None,
) -> None:
    """Print the logs of the data Job or the training workers, from CloudWatch.

    Includes pods that are gone. Lines appear a few seconds after they were printed. Only one worker
    of a training prints progress; each line starts with the pod's name.

    Exit status: 0 with lines, 1 without any, 2 if they cannot be read.
    """
    if follow and json:
        stop("logs: --follow and --json cannot be combined. Use only one of them.")
    if worker is not None and what is not What.TRAINING:
        stop(f"logs: --worker is for training; {what} has no workers.")
    deployment = deployment_from_context_or_stop(context)
    reader = Reader(deployment, source(deployment.settings, what, worker))
    try:
        found = _found(deployment, reader, hours)
        if json:
            printed = list(found)
            as_json([{**vars(each), "at": each.at.isoformat()} for each in printed])
            raise typer.Exit(PASS if printed else WARN)
        any_there = _print(found)
        if follow:
            if not any_there:
                say("Nothing yet. Waiting for lines until Ctrl-C.")
            _follow(deployment, reader)
    except (ClientError, BotoCoreError) as error:
        _cannot(error, deployment, context)
    if not any_there:
        say(f"There are no logs.\n{NEXT}{bionemo('status', context)}")
    raise typer.Exit(PASS if any_there else WARN)


def _found(deployment: Deployment, reader: Reader, hours: float | None) -> Iterable[Printed]:
    """Return the lines of the last `hours`; if None, of the shortest time span that has any."""
    spans = [hours] if hours else [1, _DAY, deployment.settings.cluster.log_days * _DAY]
    for span in spans:
        lines = reader.since(datetime.now(UTC) - timedelta(hours=span))
        first = next(lines, None)
        if first is not None:
            return chain([first], lines)
        say(f"Nothing in the last {span:g} h.")
    return []


def _print(lines: Iterable[Printed]) -> bool:
    """Print each line as it comes; return whether there was any."""
    any_there = False
    for each in lines:
        any_there = True
        print(f"{each.at:%m-%d %H:%M:%S} {each.pod}: {each.line}", flush=True)
    return any_there


def _follow(deployment: Deployment, reader: Reader) -> NoReturn:
    try:
        while True:
            time.sleep(_INTERVAL)
            log_in(deployment.aws)  # credentials may have expired
            try:
                _print(reader.newer(datetime.now(UTC)))
            except (ClientError, BotoCoreError) as error:  # the next poll may succeed
                say(f"logs: {reason(error)}")
    except KeyboardInterrupt:
        raise typer.Exit(PASS) from None
    except AwsError as error:
        stop(str(error))


def _cannot(
    error: ClientError | BotoCoreError, deployment: Deployment, context: list[str] | None
) -> NoReturn:
    if code_of(error) == "ResourceNotFoundException":
        name = deployment.settings.cluster_name
        stop(f"{name} has no pod logs: it is not deployed.\n{NEXT}{bionemo('status', context)}")
    stop(f"logs: {reason(error)}")
