"""`bionemo preflight`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

import typer

from bionemo_eks.configuration.cdk_context import CDK_JSON, PINNED
from bionemo_eks.configuration.settings import Settings
from ops.aws import Deployment
from ops.cdk_json import write_setting
from ops.commands.base import (
    Context,
    Json,
    deployment_or_stop,
    logged_in_or_stop,
    say,
    settings_or_stop,
    stop,
)
from ops.commands.offers import list_offers
from ops.preflight.admin_trust import SETTING
from ops.preflight.admin_trust import pin as pin_admin
from ops.preflight.capacity import pin as pin_zones
from ops.preflight.looking import PATIENCE, look, undecided
from ops.project import ROOT
from ops.reasons import failure_reason
from ops.results import Result, Verdict, exit_status
from ops.show.checks import show_results
from ops.show.terminal import as_json, console
from ops.show.verdict import bionemo, make, show_verdict

# Seconds for everything after the login (ten with Python's start), and the minimum for the checks.
_BUDGET, _LEAST = 6.0, 3.0
_GPU_TYPE = "gpu.instance_type"

Patience = Annotated[
    float,
    typer.Option(
        min=0,
        max=600,
        metavar="SECONDS",
        help="How long to retry checks that AWS has not answered within the first seconds.",
    ),
]


def preflight(
    context: Context = None,
    json: Json = False,
    pin: Annotated[
        bool,
        typer.Option(
            "--pin",
            help="Write zones that offer the GPU type to cdk.context.json if needed, and the "
            "caller to cdk.json as the principal that may assume the cluster's admin role.",
        ),
    ] = False,
    use: Annotated[
        str,
        typer.Option("--use", metavar="TYPE", help="Write this GPU type to cdk.json first."),
    ] = "",
    offers: Annotated[
        bool,
        typer.Option("--offers", help="Only list the Capacity Blocks on offer; run no checks."),
    ] = False,
    hours: Annotated[
        int | None,
        typer.Option(
            min=24,
            max=4368,
            help="With --offers: length of a block; by default, what the training needs.",
        ),
    ] = None,
    patience: Patience = PATIENCE,
) -> None:
    """Find what would make a deployment fail, before the first resource is created."""
    settings = _use(use, context) if use else settings_or_stop(context)
    aws = logged_in_or_stop(settings)
    # The time counts only from here: waiting for an MFA code is not AWS's delay.
    began = time.monotonic()
    deployment, pins = deployment_or_stop(settings, aws), dict[str, str]()
    if offers:
        raise typer.Exit(list_offers(deployment, hours, json=json))
    if pin:
        pins = _pin(deployment)
        deployment = replace(deployment, settings=settings_or_stop(context))
    # The time spent so far is not available to the checks.
    results = checked(deployment, patience, time.monotonic() - began)
    if json:
        as_json({"pinned": pins, "checks": results} if pin else results)
    else:
        out = console()
        show_results(out, results)
        show_verdict(out, *_verdict(results, context))
    raise typer.Exit(exit_status(results))


def _verdict(results: list[Result], context: list[str] | None) -> tuple[str, str]:
    """Return the overall result, and the next step."""
    failing = sum(each.verdict is Verdict.FAIL for each in results)
    if failing:
        again = bionemo("preflight", context)
        return (
            f"Not passed: {failing} of {len(results)} checks fail, as a deployment would.",
            f"fix each as shown above, then {again}",
        )
    silent = [each.name for each in undecided(results)]
    if silent:
        return (
            f"Not passed: no result for {', '.join(silent)}.",
            bionemo("preflight --patience 60", context),
        )
    return "Passed: found nothing that would make a deployment fail.", make("deploy", context)


def checked(deployment: Deployment, patience: float, spent: float = 0.0) -> list[Result]:
    """Run all checks; `spent` seconds of their time are already used."""
    return look(deployment, max(_BUDGET - spent, _LEAST), patience, say)


def _use(gpu_type: str, context: list[str] | None) -> Settings:
    """Write the GPU type to cdk.json and say so; end the command if it would not take effect."""
    # Read as an option first, so that an unusable type is refused before anything is written.
    wanted = settings_or_stop([*(context or []), f"{_GPU_TYPE}={gpu_type}"])
    gpu_type = wanted.gpu.instance_type
    write_setting(ROOT, _GPU_TYPE, gpu_type)
    say(f"{CDK_JSON}: {_GPU_TYPE}={gpu_type}")
    settings = settings_or_stop(context)
    if settings.gpu.instance_type != gpu_type:
        stop(
            f"But {_GPU_TYPE} is still {settings.gpu.instance_type}: -c, {PINNED} or a preset "
            f"overrides {CDK_JSON}. Remove it there."
        )
    return settings


def _pin(deployment: Deployment) -> dict[str, str]:
    """Pin the zones and the admin, and say so on standard error."""
    try:
        zones = pin_zones(deployment, ROOT)
    except Exception as error:  # whatever it is, nothing has been written
        stop(f"--pin: cannot choose zones: {failure_reason(error)}")
    say(f"{PINNED}: {_listed(zones)}" if zones else "The zones are fine: nothing to pin.")
    try:
        admin = pin_admin(deployment, ROOT)
    except Exception as error:  # without it, the role's trust stays as it was
        say(f"--pin: the caller is unknown, so {SETTING} is not set: {failure_reason(error)}")
        return zones
    if admin:
        say(f"{CDK_JSON}: {_listed(admin)}")
    return zones | admin


def _listed(pins: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in pins.items())
