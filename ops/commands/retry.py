"""`bionemo retry`."""

from __future__ import annotations

from typing import Annotated

import typer
from kubernetes import client as kubernetes

from ops.cluster.api import ClusterError, NoClusterError, connected
from ops.cluster.deployed import deployed_objects
from ops.commands.base import (
    FAIL,
    PASS,
    WARN,
    Context,
    Json,
    agreed,
    deployment_from_context_or_stop,
    say,
    stop,
)
from ops.retry import Plan, What, carry_out, look, plan
from ops.show.terminal import as_json
from ops.show.verdict import NEXT, bionemo


def retry(
    what: Annotated[
        What, typer.Argument(help="The data Job, or the training.", show_default=False)
    ],
    context: Context = None,
    json: Json = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Start what has failed, or was interrupted, again, as it was deployed.

    "retry data", after a message that the data Job has failed: it goes on from what it has written.
    The training follows when the data set is there.

    "retry training", when the training has failed or is suspended, or its launcher has given up: it
    goes on from its newest checkpoint. That starts the GPU nodes, which cost money.

    Look first why it failed (./bionemo status), and mend that. "make deploy" starts nothing again
    while no setting has changed; where one has, run that, and not this. What is under way or has
    finished is left alone.
    """
    if json and not (yes or dry_run):
        stop("retry: --json asks no questions, so it needs --yes or --dry-run too.")
    deployment = deployment_from_context_or_stop(context)
    try:
        with connected(deployment) as api:
            found = plan(what, look(api, deployment.settings, deployed_objects(deployment)))
            done = _carry_out(api, what, found, dry_run=dry_run, yes=yes)
            _conclude(what, found, context, done=done)
    except NoClusterError as error:
        stop(f"{error}. Make it first: make deploy")
    except ClusterError as error:
        stop(f"retry: {error}")
    if json:
        as_json({"said": found.said, "again": found.names, "refused": found.refused, "done": done})
    if found.refused:
        raise typer.Exit(FAIL)
    raise typer.Exit(PASS if done or dry_run or not found.again else WARN)


def _carry_out(
    api: kubernetes.ApiClient, what: What, found: Plan, *, dry_run: bool, yes: bool
) -> bool:
    """Do what is planned, unless it is nothing or is not wanted; whether it was done."""
    say(found.said)
    if not found.again:
        return False
    for name in found.names:
        say(f"  to be made again: {name}")
    if dry_run or not (yes or agreed(f"Start the {what} again?")):
        return False
    carry_out(api, found, say)
    return True


def _conclude(what: What, found: Plan, context: list[str] | None, *, done: bool) -> None:
    """Say what has become of it, and what to do next; what is refused has said so itself."""
    if found.refused:
        return
    following = bionemo("status --watch", context)
    if done:
        said = f"The {what} is started again."
    elif found.again:
        said, following = "Nothing was done.", bionemo(f"retry {what}", context)
    else:
        said = "There was nothing to do."
    say(f"{said}\n{NEXT}{following}")
