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

_TITLES = {What.DATA: "data Job", What.TRAINING: "training"}


def retry(
    what: Annotated[What, typer.Argument(help="The data Job or the training.", show_default=False)],
    context: Context = None,
    json: Json = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Restart what has failed or was interrupted, as it was deployed.

    "retry data", after a message that the data Job has failed: it continues from what it has
    written. The training follows when the data set is ready.

    "retry training", if the training has failed or is suspended, or its launcher has given up: it
    resumes from its newest checkpoint. This starts the GPU nodes, which cost money.

    First find out why it failed (./bionemo status), and fix that. "make deploy" restarts nothing
    unless a setting has changed; if one has, run that instead. What is running or has finished is
    left alone.
    """
    if json and not (yes or dry_run):
        stop("retry: with --json there is no prompt, so it needs --yes or --dry-run too.")
    deployment = deployment_from_context_or_stop(context)
    try:
        with connected(deployment) as api:
            found = plan(what, look(api, deployment.settings, deployed_objects(deployment)))
            done = _carry_out(api, what, found, dry_run=dry_run, yes=yes)
            _conclude(what, found, context, done=done)
    except NoClusterError as error:
        stop(f"{error}. Deploy it first: make deploy")
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
    """Carry out the plan, unless it is empty or not wanted; return whether it was done."""
    say(found.said)
    if not found.again:
        return False
    for name in found.names:
        say(f"  to be recreated: {name}")
    if dry_run or not (yes or agreed(f"Restart the {_TITLES[what]}?")):
        return False
    carry_out(api, found, say)
    return True


def _conclude(what: What, found: Plan, context: list[str] | None, *, done: bool) -> None:
    """Say what was done, and the next step; a refusal has already been printed."""
    if found.refused:
        return
    following = bionemo("status --watch", context)
    if done:
        said = f"The {_TITLES[what]} is restarted."
    elif found.again:
        said, following = "Nothing was done.", bionemo(f"retry {what}", context)
    else:
        said = "There was nothing to do."
    say(f"{said}\n{NEXT}{following}")
