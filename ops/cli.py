"""The command line: `./bionemo preflight | status | verify | cost | leftovers`."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from bionemo_eks.cdk_context import settings_of
from bionemo_eks.naming import DEPLOYMENT_TAG
from bionemo_eks.settings import Settings
from bionemo_eks.settings_reader import SettingsError
from ops import cost as costs
from ops import leftovers as leftover_search
from ops import preflight as preflight_checks
from ops import prices, show
from ops import status as states
from ops import verify as verification
from ops.aws import Aws, AwsError, Deployment, deployment
from ops.kubernetes_api import ClusterError, connected
from ops.preflight.capacity import pin as pin_zones
from ops.results import exit_status, reason, run_checks

ROOT = Path(__file__).resolve().parents[1]
PASS, WARN, FAIL = 0, 1, 2
_INTERVAL = 30

app = typer.Typer(
    help="Before, while and after a deployment of BioNeMo on EKS. Reads the same settings as the "
    "stacks (cdk.json, cdk.context.json, -c) and changes nothing unless it says so.\n\n"
    "Exit status: 0 all well, 1 warnings or something could not be told, 2 something fails.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Context = Annotated[
    list[str] | None,
    typer.Option("--context", "-c", metavar="KEY=VALUE", help="A setting, as for cdk; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def _stop(message: str, status: int = FAIL) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(status)


def _settings(context: list[str] | None) -> Settings:
    try:
        return settings_of(ROOT, context or [])
    except SettingsError as error:
        _stop(str(error))


def _found(context: list[str] | None) -> Deployment:
    settings = _settings(context)
    try:
        return deployment(settings)
    except AwsError as error:
        _stop(str(error))


@app.command()
def preflight(
    context: Context = None,
    json: Json = False,
    pin: Annotated[
        bool,
        typer.Option(
            "--pin", help="Write zones that offer the GPU type to cdk.context.json, if need be."
        ),
    ] = False,
) -> None:
    """Look for what would make a deployment fail, before the first resource is made."""
    found = _found(context)
    if pin:
        _pin(found, quiet=json)
        found = _found(context)
    results = run_checks(preflight_checks.checks(found))
    show.as_json(results) if json else show.results(show.console(), results)
    raise typer.Exit(exit_status(results))


def _pin(found: Deployment, *, quiet: bool) -> None:
    try:
        pins = pin_zones(found, ROOT)
    except (ClientError, BotoCoreError) as error:
        _stop(f"--pin: could not tell which zones to choose: {reason(error)}")
    if not quiet:
        text = ", ".join(f"{key}={value}" for key, value in pins.items())
        print(f"cdk.context.json: {text}" if pins else "The zones are right: nothing to pin.")


@app.command()
def status(
    context: Context = None,
    json: Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help=f"Look again every {_INTERVAL} s, until Ctrl-C.")
    ] = False,
) -> None:
    """Show how the deployment is and how far data and training are."""
    found = _found(context)
    if watch and not json:
        _watch(found)
        return
    lines = states.status(found)
    show.as_json(lines) if json else show.status(show.console(), lines)
    raise typer.Exit(_status_of(lines))


def _status_of(lines: list[states.Line]) -> int:
    if any(line.good is False for line in lines):
        return FAIL
    return WARN if any("could not tell" in line.state for line in lines) else PASS


def _watch(found: Deployment) -> None:
    out = show.console()
    try:
        while True:
            lines = states.status(found)
            out.clear()
            out.print(f"{found.settings.cluster_name}, {datetime.now(UTC):%H:%M:%S} UTC")
            show.status(out, lines)
            time.sleep(_INTERVAL)
    except KeyboardInterrupt:
        raise typer.Exit(PASS) from None


@app.command()
def verify(context: Context = None, json: Json = False) -> None:
    """Check that the cluster does what it is for: nodes, drivers, GPUs, volume, a pod."""
    found = _found(context)
    try:
        with connected(found) as api:
            results = verification.verify(api, found.settings)
    except ClusterError as error:
        _stop(f"verify: {error}")
    show.as_json(results) if json else show.results(show.console(), results)
    raise typer.Exit(exit_status(results))


@app.command()
def cost(
    context: Context = None,
    json: Json = False,
    training_hours: Annotated[
        float, typer.Option(min=0.1, max=10_000, help="How long the training runs.")
    ] = costs.TRAINING_HOURS,
    actual: Annotated[
        bool,
        typer.Option("--actual", help="Also what has been spent (Cost Explorer: $0.01 a call)."),
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=365, help="Days that --actual covers.")] = 30,
) -> None:
    """Estimate what one full run costs, beside the same the way of 2024."""
    settings, out = _settings(context), show.console()
    types = (settings.gpu.instance_type, settings.core.instance_type)
    known = prices.prices(Aws(settings.region), types)
    today = datetime.now(UTC).date()
    bills = [
        (way, costs.bill(settings, way, known, today))
        for way in costs.ways(settings, training_hours)
    ]
    if json:
        show.as_json(
            {
                "prices": known.source,
                "ways": [
                    {**asdict(way), "items": items, "total": costs.total(items)}
                    for way, items in bills
                ],
            }
        )
    else:
        show.bills(out, bills, known.source)
    if actual:
        _actual(_found(context), days, out)


def _actual(found: Deployment, days: int, out: Console) -> None:
    try:
        spent = costs.actual(found, days)
    except (ClientError, BotoCoreError) as error:
        _stop(f"cost: could not tell what has been spent: {reason(error)}", WARN)
    if not spent:
        print(
            "Nothing is booked under the deployment's tag. Activate the cost allocation tag "
            f"{DEPLOYMENT_TAG} in the Billing console; it takes a day."
        )
        return
    show.spent(out, spent, days)


@app.command()
def leftovers(
    context: Context = None,
    json: Json = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove what is safe to remove, after asking.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete: do not ask.")] = False,
) -> None:
    """Look for what still costs money, or is in the way, after `cdk destroy`."""
    found = _found(context)
    looked = leftover_search.search(found)
    left = [each for each in looked.found if not each.kept]
    if json:
        show.as_json(
            {
                "found": [
                    {"kind": e.kind, "id": e.id, "note": e.note, "kept": e.kept}
                    for e in looked.found
                ],
                "could_not_tell": looked.blind,
            }
        )
    else:
        show.leftovers(show.console(), looked)
    standing = any(each.kind == "stacks" for each in left)
    if delete and left:
        left = _delete(left, standing=standing, yes=yes)
    raise typer.Exit(FAIL if left else WARN if looked.blind else PASS)


def _delete(
    left: list[leftover_search.Leftover], *, standing: bool, yes: bool
) -> list[leftover_search.Leftover]:
    """Remove what is safe to remove; return what is left then."""
    if standing:
        _stop("The deployment's stacks still stand. Remove them first: npx cdk destroy --all")
    safe = [each for each in left if each.delete is not None]
    if not safe or not (yes or typer.confirm(f"Delete the {len(safe)} that are safe to delete?")):
        return left
    gone = []
    for each in safe:
        assert each.delete is not None  # `safe` holds no other
        try:
            each.delete()
        except (ClientError, BotoCoreError) as error:
            print(f"{each.kind} {each.id}: {reason(error)}", file=sys.stderr)
        else:
            print(f"deleted {each.kind} {each.id}")
            gone.append(each)
    return [each for each in left if each not in gone]
