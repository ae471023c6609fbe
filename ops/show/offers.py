"""Capacity Blocks to buy, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from bionemo_eks.configuration.settings import Settings
from ops.offers import Offer, Quota
from ops.show.terminal import show_table, titled_table


def show_offers(
    out: Console, settings: Settings, hours: int, found: Sequence[Offer], quota: Quota | str | None
) -> None:
    """Print what is sold, whether the account may buy it (or why that is not known), and how."""
    gpu = settings.gpu
    wanted = f"{gpu.nodes} x {gpu.instance_type} for {hours} h in {settings.region}"
    if not found:
        out.print(
            f"AWS offers no Capacity Block of {wanted} in the next eight weeks. Ask for fewer "
            "hours (--hours), another gpu.instance_type, fewer gpu.nodes or another region: a "
            "training goes on from one block to the next."
        )
    else:
        show_table(out, _table(wanted, found))
        _say_how(out, settings, found[0])
    _say_quota(out, settings, quota)


def _table(wanted: str, found: Sequence[Offer]) -> Table:
    columns = ("zone", "start (UTC)", "end (UTC)", "hours", "$", "$ an hour, node")
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


def _say_how(out: Console, settings: Settings, first: Offer) -> None:
    out.print("To buy one, which is paid at once and cannot be given back; here the first:")
    buy = (
        f"aws ec2 purchase-capacity-block --region {settings.region} "
        f"--instance-platform Linux/UNIX --capacity-block-offering-id {first.offering_id}"
    )
    out.print(f"  {buy}", soft_wrap=True)
    out.print("Then, with the id that it prints, and the block's zone:")
    zones = [first.zone, *(each for each in settings.zones if each != first.zone)][:2]
    options = (
        "-c gpu.purchase=capacity-block -c gpu.capacity_reservation_id=cr-... "
        f"-c gpu.availability_zone={first.zone} -c network.availability_zones={','.join(zones)}"
    )
    out.print(f"  {options}", soft_wrap=True)


def _say_quota(out: Console, settings: Settings, quota: Quota | str | None) -> None:
    family = settings.gpu.types[0].partition(".")[0]
    if quota is None:
        out.print(f"No quota code of Capacity Blocks is known for {family}.")
    elif isinstance(quota, str):
        out.print(f"[yellow]The quota of Capacity Blocks could not be told: {quota}[/]")
    else:
        said = f"{family}: {quota.there} of {quota.allowed:g} Capacity Blocks at a time"
        out.print(f"{said} ({quota.code})")
        if quota.there >= quota.allowed:
            out.print("[yellow]There is no room for one more. Ask for it first:[/]")
            out.print(
                "  aws service-quotas request-service-quota-increase --region "
                f"{settings.region} --service-code ec2 --quota-code {quota.code} "
                f"--desired-value {quota.there + 1}",
                soft_wrap=True,
            )


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
