"""`bionemo leftovers`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ops import leftovers as leftover_search
from ops.aws import Deployment
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
from ops.leftovers import Leftover, Search, belonging, deletion
from ops.show.leftovers import show_leftovers
from ops.show.terminal import as_json, console
from ops.show.verdict import bionemo, make, show_verdict


def leftovers(
    context: Context = None,
    json: Json = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete what is safe to delete, after asking.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete: do not ask.")] = False,
) -> None:
    """Find what still costs money or blocks a new deployment after "cdk destroy"."""
    if delete and json and not yes:
        stop("leftovers: with --json there is no prompt, so --delete needs --yes too.")
    deployment = deployment_from_context_or_stop(context)
    search = leftover_search.search(deployment)
    out = console()
    if not json:
        show_leftovers(out, search)
    refused = deletion.refusal(search) if delete else ""
    gone = _delete(search, yes=yes) if delete and not refused else []
    left = [each for each in search.left if each not in gone]
    if json:
        as_json(_document(search, gone, refused))
    else:
        show_verdict(out, *_verdict(deployment, search, gone, context))
    if refused:
        stop(refused)
    raise typer.Exit(FAIL if left else WARN if search.blind else PASS)


def _verdict(
    deployment: Deployment, search: Search, gone: list[Leftover], context: list[str] | None
) -> tuple[str, str]:
    """Return a sentence on what is left, and the next step."""
    destroy = make("destroy", context)
    deployed = belonging.existing(search)
    left = [each for each in belonging.left_over(search) if each not in gone]
    if deployed:
        which = ", ".join(
            each.id.removeprefix(f"{deployment.settings.cluster_name}-") for each in deployed
        )
        besides = f" There are also leftovers: {len(left)}." if left else ""
        name = deployment.settings.cluster_name
        said = f"{name} is still deployed ({which}); destroy it first.{besides}"
        return said, destroy
    if not left:
        known = ", as far as is known" if search.blind else ""
        return f"Nothing is left over{known}.", ""
    if any(each in left for each in deletion.safe(search)) and not deletion.refusal(search):
        following = bionemo("leftovers --delete", context)
    else:
        following = destroy
    return f"Leftovers: {len(left)}.", following


def _delete(search: Search, *, yes: bool) -> list[Leftover]:
    """Delete what is safe to delete; return what is gone. All output goes to standard error."""
    safe = deletion.safe(search)
    if not safe:
        say("None of it is safe to delete.")
        return []
    question = f"Delete these {len(safe)} resources? They are safe to delete."
    for each in safe:
        say(f"  {each.kind} {each.id}")
    if not (yes or agreed(question)):
        return []
    gone = deletion.delete(safe, say)
    failed = " ".join(sorted(deletion.half_destroyed(search)))
    if gone and failed:
        say(
            "What may have blocked the deletion of stacks is gone. Try again: "
            f"npx cdk destroy {failed}"
        )
    return gone


def _document(search: Search, gone: list[Leftover], refused: str) -> dict[str, Any]:
    safe, left_over = deletion.safe(search), belonging.left_over(search)
    return {
        "found": [
            {
                "kind": each.kind,
                "id": each.id,
                "note": each.note,
                "kept": each.kept,
                "standing": not each.kept and each not in left_over,
                "deletable": each in safe,
                "deleted": each in gone,
            }
            for each in search.found
        ],
        "could_not_tell": search.blind,
        "refused": refused,
    }
