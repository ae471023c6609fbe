"""`bionemo shell`."""

from __future__ import annotations

from typing import Annotated

import typer

from bionemo_eks.jobs.places import FSX
from bionemo_eks.jobs.shell import CONTAINER
from ops.cluster.api import ClusterError, NoClusterError
from ops.cluster.shell import shell_pod
from ops.cluster.terminal import run_in_pod
from ops.commands.base import Context, deployment_from_context_or_stop, say, stop
from ops.show.terminal import at_a_terminal

_LOGIN = ["/bin/bash", "-l"]


def shell(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Run this command instead, after --, and return its exit status."),
    ] = None,
    context: Context = None,
    hours: Annotated[
        int, typer.Option(min=1, max=72, help="Maximum lifetime of the pod, idle or not.")
    ] = 8,
) -> None:
    """Open a shell in a pod with /fsx, on a core node, and delete the pod afterwards.

    Needs no kubectl. You are root, who owns the files. Files deleted in folders that are linked to
    the bucket are deleted there too. Destroying the deployment waits until the shell is closed.
    "./bionemo shell -- ls -l /fsx" runs one command.
    """
    if not command and not at_a_terminal():
        stop(f"shell: there is no terminal. Give a command: ./bionemo shell -- ls {FSX}")
    deployment = deployment_from_context_or_stop(context)
    say(f"Starting a pod with {FSX}; it may take a minute.")
    try:
        with shell_pod(deployment, hours * 3600, say) as (api, pod):
            if not command:
                say(f"{pod}, for at most {hours} h. To leave: exit")
            status = run_in_pod(api, pod, CONTAINER, command or _LOGIN, tty=not command)
    except NoClusterError as error:
        stop(f"{error}. Deploy it first: make deploy")
    except ClusterError as error:
        stop(f"shell: {error}")
    if not command:
        say("The pod is deleted.")
    raise typer.Exit(status)
