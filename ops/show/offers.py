"""Prints Capacity Blocks on offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from bionemo_eks.configuration.settings import Settings
from ops.offers import Offer, Quota
from ops.show.terminal import show_table, titled_table


def show_offers(
    out: Console,
    settings: Settings,
    hours: int,
    found: Sequence[Offer],
    quota: Quota | str | None,
    current: str | None,
) -> None:
    """Print the offers, whether the quota allows buying one (or why that is unknown), and how.

    `current`: the zone of the existing file system, empty for none, None if unknown.
    """
    gpu = settings.gpu
    wanted = f"{gpu.nodes} x {gpu.instance_type} for {hours} h in {settings.region}"
    if not found:
        out.print(
            f"AWS offers no Capacity Block of {wanted} in the next eight weeks. Try fewer "
            "hours (--hours), another gpu.instance_type, fewer gpu.nodes or another region. A "
            "training can continue in the next block."
        )
    else:
        show_table(out, _table(wanted, found))
        _say_how(out, settings, found, current)
    _say_quota(out, settings, quota)


def _table(wanted: str, found: Sequence[Offer]) -> Table:
    columns = ("zone", "start (UTC)", "end (UTC)", "hours", "$", "$ per node-hour")
    table = titled_table(*columns, title=f"Capacity Blocks of {wanted}")
    for column in table.columns[3:]:
        column.justify = "right"
    for each in found:
        table.add_row(
            each.zone,
            _at(each.start),
            _at(each.end),
            f"{each.hours}",
            f"{each.dollars:,.2f}",
            f"{each.hourly:,.2f}",
        )
    return table


def _say_how(out: Console, settings: Settings, found: Sequence[Offer], current: str | None) -> None:
    best = next((each for each in found if each.zone == current), found[0])
    which = "the first" if best == found[0] else f"the first in {best.zone}"
    out.print(f"To buy one ({which} here), paid up front and nonrefundable:")
    buy = (
        f"aws ec2 purchase-capacity-block --region {settings.region} "
        f"--instance-platform Linux/UNIX --capacity-block-offering-id {best.offering_id}"
    )
    out.print(f"  {buy}", soft_wrap=True)
    for line in _what_it_replaces(settings, best.zone, current):
        out.print(f"[yellow]{line}[/]")
    out.print("Then, with the ID that it prints and the block's zone:")
    chosen = (
        "-c gpu.purchase=capacity-block -c gpu.capacity_reservation_id=cr-... "
        f"-c gpu.availability_zone={best.zone}"
    )
    # Subnets follow the zones: existing ones stay only if this setting does.
    if best.zone not in settings.zones and not settings.network.vpc_id:
        chosen += f" -c network.availability_zones={best.zone},{settings.zones[0]}"
    out.print(f"  {chosen}", soft_wrap=True)


def _what_it_replaces(settings: Settings, zone: str, current: str | None) -> list[str]:
    """Say what a block in another zone means for an existing deployment."""
    if current in ("", zone):
        return []
    with_subnets = "" if zone in settings.zones else "the VPC's subnets and "
    if current is None:
        return [
            f"If there is a deployment with its file system in a zone other than {zone}, this "
            f"would replace {with_subnets}the file system. Destroy the deployment first; the data "
            "is in the bucket: npx cdk destroy --all"
        ]
    return [
        f"This needs a new deployment: the existing file system is in {current}, and {zone} would "
        f"replace {with_subnets}the file system, with everything that mounts it. Wait for a block "
        f"in {current}, or destroy the deployment first; the data is in the bucket: "
        "npx cdk destroy --all"
    ]


def _say_quota(out: Console, settings: Settings, quota: Quota | str | None) -> None:
    family = settings.gpu.types[0].partition(".")[0]
    if quota is None:
        out.print(f"No quota code for Capacity Blocks of {family} is known.")
    elif isinstance(quota, str):
        out.print(f"[yellow]The quota for Capacity Blocks is unknown: {quota}[/]")
    else:
        said = f"{family}: {quota.there} of {quota.allowed:g} concurrent Capacity Blocks in use"
        out.print(f"{said} ({quota.code})")
        if quota.there >= quota.allowed:
            out.print("[yellow]The quota is used up. Request an increase first:[/]")
            out.print(
                "  aws service-quotas request-service-quota-increase --region "
                f"{settings.region} --service-code ec2 --quota-code {quota.code} "
                f"--desired-value {quota.there + 1}",
                soft_wrap=True,
            )


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
