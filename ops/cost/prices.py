"""Prices in US dollars, each from the Price List API if it answers, else from the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from bionemo_eks.configuration.settings import Settings
from ops.aws import Aws
from ops.cost.figures import Figure, figures_of
from ops.cost.price_list import instance_hour, service_price, spot_hour
from ops.parallel import side_by_side
from ops.price_table import BLOCK_HOURLY, BLOCKS_OF, HOURLY, TABLE_OF, TABLE_REGION

# Where a price is from, as shown.
OF_AWS, OF_TABLE = "AWS", "table"
# Seconds for all prices: they are optional, because the project has a table.
DEADLINE = 8.0
_TYPES = {*CORE_INSTANCE_TYPES, *GPU_INSTANCE_TYPES}
_TABLE = f"the project's table of {TABLE_OF}, {TABLE_REGION}"
_RESERVED = (
    "A Capacity Reservation costs as much as its nodes, from the day it is created, whether they "
    "run or not: only the hours of the run are counted."
)
_PREPAID = "A Capacity Block is paid up front, to its end: the hours after the training are idle."


@dataclass(frozen=True)
class Prices:
    """US dollars an hour for each instance type, and AWS's prices of services.

    `from_aws`: AWS's prices in this region, by instance type or figure's name; all others are the
    table's. `spot`: the price of a GPU node on Spot, None if not wanted or unknown; `block`:
    likewise in a Capacity Block, AWS's own if `block_from_aws`. `notes`: what a reader must know.
    """

    hourly: dict[str, float]
    source: str
    from_aws: Mapping[str, float] = field(default_factory=dict)
    spot: float | None = None
    block: float | None = None
    block_from_aws: bool = False
    notes: tuple[str, ...] = ()

    def of(self, figure: Figure) -> float:
        """Return the price of `figure`."""
        return self.from_aws.get(figure.name, figure.of_table)

    def source_of(self, *names: str) -> str:
        """Return where the prices of these are from, instance types or figures by their names."""
        sources = {OF_AWS if name in self.from_aws else OF_TABLE for name in names}
        return ", ".join(sorted(sources))


def table(region: str = TABLE_REGION) -> Prices:
    """Return the project's own table, with a note if it is not of `region`."""
    notes: tuple[str, ...] = ()
    if region != TABLE_REGION:
        notes = (
            f"No prices of {region} are available: all are those of {TABLE_REGION}, "
            f"and {region} may cost considerably more.",
        )
    return Prices(dict(HOURLY), _TABLE, notes=notes)


def prices(aws: Aws | None, settings: Settings, deadline: float = DEADLINE) -> Prices:
    """Return the prices for `settings`, each from the best source that answers; `aws` may be None.

    All are requested in parallel, within `deadline` seconds.
    """
    from_aws = _answered(_questions(aws, settings), deadline) if aws else {}
    spot = {kind: from_aws.pop(_spot_name(kind), None) for kind in settings.gpu.types}
    names = [*_kinds(settings), *(each.name for each in _figures(settings))]
    known = _known(settings.region, names, from_aws)
    if settings.gpu.purchase == "capacity-reservation":
        return replace(known, notes=(*known.notes, _RESERVED))
    return _with_spot(known, settings, spot) if settings.gpu.purchase == "spot" else known


def hourly_prices(aws: Aws, kinds: Sequence[str], deadline: float) -> Prices:
    """Return On-Demand prices of `kinds`: AWS's, as far as they arrive within `deadline` seconds.

    Types that neither the table nor AWS has a price for are left out.
    """
    from_aws = _answered({kind: partial(instance_hour, aws, kind) for kind in kinds}, deadline)
    return _known(aws.region, kinds, from_aws)


def with_block(known: Prices, settings: Settings, hourly: float | None) -> Prices:
    """Return `known` with the price of a node in a Capacity Block; `hourly`: the current offer."""
    kind = settings.gpu.types[0]
    if hourly is not None:
        note = f"Capacity Blocks of {kind} are offered from ${hourly:,.2f} an hour per node."
        notes = (*known.notes, note, _PREPAID)
        return replace(known, block=hourly, block_from_aws=True, notes=notes)
    if kind not in BLOCK_HOURLY:
        note = "No Capacity Block offer available: GPU nodes are counted as On-Demand."
        return replace(known, notes=(*known.notes, note, _PREPAID))
    note = (
        f"No Capacity Block offer available: counted at ${BLOCK_HOURLY[kind]:g}, "
        f"AWS's list price of {BLOCKS_OF}."
    )
    return replace(known, block=BLOCK_HOURLY[kind], notes=(*known.notes, note, _PREPAID))


def _kinds(settings: Settings) -> tuple[str, ...]:
    return (*settings.gpu.types, settings.core.instance_type)


def _figures(settings: Settings) -> tuple[Figure, ...]:
    return figures_of(settings, datetime.now(UTC).date())


def _spot_name(instance_type: str) -> str:
    return f"{instance_type}, Spot"


def _questions(aws: Aws, settings: Settings) -> dict[str, Callable[[], float]]:
    spot = settings.gpu.types if settings.gpu.purchase == "spot" else ()
    return {
        **{kind: partial(instance_hour, aws, kind) for kind in _kinds(settings)},
        **{each.name: partial(service_price, aws, each) for each in _figures(settings)},
        **{_spot_name(kind): partial(spot_hour, aws, kind, settings.gpu_zone) for kind in spot},
    }


def _answered(questions: Mapping[str, Callable[[], float]], deadline: float) -> dict[str, float]:
    """The prices that arrive in time and complete; a failed one does not affect the others."""
    looked = side_by_side(questions, deadline)
    return {
        name: each.result() for name, each in looked.items() if each.done() and not each.exception()
    }


def _known(region: str, names: Sequence[str], from_aws: Mapping[str, float]) -> Prices:
    """The prices including those `from_aws`, with notes on the others."""
    known = table(region)
    if not from_aws:
        return known
    missing = [name for name in names if name not in from_aws]
    source = f"the Price List API for {region}"
    notes: tuple[str, ...] = ()
    if missing:
        source = f"{source}; {_TABLE} for the rest"
    if missing and region != TABLE_REGION:
        of = ", ".join(missing)
        notes = (f"No {region} price available for {of}: {TABLE_REGION}'s is used.",)
    instances = {name: price for name, price in from_aws.items() if name in _TYPES}
    return Prices(known.hourly | instances, source, from_aws, notes=notes)


def _with_spot(known: Prices, settings: Settings, from_aws: Mapping[str, float | None]) -> Prices:
    found = {kind: price for kind, price in from_aws.items() if price is not None}
    if not found:
        note = "No Spot price available: GPU nodes are counted as On-Demand, the maximum for Spot."
        return replace(known, notes=(*known.notes, note))
    each = ", ".join(f"${price:g} ({kind})" for kind, price in found.items())
    note = f"Spot in {settings.gpu_zone}: {each} now; it varies, and nodes may be interrupted."
    # EKS chooses among the types by price and capacity: the highest price is counted.
    return replace(known, spot=max(found.values()), notes=(*known.notes, note))
