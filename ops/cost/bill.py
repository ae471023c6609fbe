"""The bill of a run, item by item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bionemo_eks.configuration.settings import Settings
from ops.cost import figures
from ops.cost.figures import Figure
from ops.cost.prices import OF_AWS, OF_TABLE, Prices
from ops.cost.ways import Way
from ops.price_table import HOURS_A_MONTH

DATA_GB, LOG_GB, LOG_GB_AN_HOUR = 12, 5, 0.06
# The watch's metrics, and alarms on these and on Container Insights' metrics; a test counts them.
METRICS, ALARMS = 16, 17


@dataclass(frozen=True)
class Item:
    """One line of a bill: item, quantity, US dollars, and where its prices are from."""

    name: str
    counted: str
    dollars: float
    source: str


@dataclass(frozen=True)
class Bill:
    """What a run costs, done one way; the bills of both ways have the same items."""

    way: Way
    items: list[Item]

    @property
    def total(self) -> float:
        """The sum in US dollars."""
        return sum(item.dollars for item in self.items)


def bill_of(settings: Settings, way: Way, known: Prices, today: date) -> Bill:
    """Return the cost of a run, item by item; storage by the hour, S3 also after the run."""
    return Bill(
        way,
        [
            *_gpu_nodes(settings, way, known),
            *_cluster(settings, way, known, today),
            *_network(settings, way, known),
            *_storage(settings, way, known),
            *_watching(way, known),
            _keys(way, known),
        ],
    )


def _gpu_price(settings: Settings, way: Way, known: Prices) -> tuple[float, str]:
    """The hourly price of a GPU node as it is bought (Spot, block, On-Demand), and its source."""
    if way.spot and known.spot is not None:
        return known.spot, OF_AWS
    # The first of several types: On-Demand nodes have another type only if it is not available.
    first = settings.gpu.types[0]
    if known.block is not None and (way.block or first not in known.hourly):
        return known.block, OF_AWS if known.block_from_aws else OF_TABLE
    return known.hourly[first], known.source_of(first)


def _gpu_nodes(settings: Settings, way: Way, known: Prices) -> list[Item]:
    gpu = settings.gpu
    each, source = _gpu_price(settings, way, known)
    spot = ", Spot" if way.spot and known.spot is not None else ""
    spot = ", Capacity Block" if way.block and known.block is not None else spot
    return [
        Item(
            "GPU nodes, training",
            f"{gpu.nodes} x {way.train_hours:g} h x ${each:g} ({gpu.types[0]}{spot})",
            gpu.nodes * way.train_hours * each,
            source,
        ),
        Item(
            "GPU nodes, idle",
            f"{gpu.nodes} x {way.idle_gpu_hours:g} h x ${each:g}",
            gpu.nodes * way.idle_gpu_hours * each,
            source,
        ),
    ]


def _cluster(settings: Settings, way: Way, known: Prices, today: date) -> list[Item]:
    core, hours = settings.core, way.hours
    each = known.hourly[core.instance_type]
    support = [figures.EKS]
    if figures.is_extended(settings, today):
        support.append(figures.EXTENDED_SUPPORT)
    eks = sum(known.of(figure) for figure in support)
    return [
        Item(
            "core nodes",
            f"{core.nodes} x {hours:g} h x ${each:g} ({core.instance_type})",
            core.nodes * hours * each,
            known.source_of(core.instance_type),
        ),
        Item("EKS", f"{hours:g} h x ${eks:g}", hours * eks, _sources(known, *support)),
    ]


def _sources(known: Prices, *of: Figure) -> str:
    return known.source_of(*(figure.name for figure in of))


def _watching(way: Way, known: Prices) -> list[Item]:
    """The watch's metrics, the deployment's alarms, and the logs."""
    metric, alarm, log = (known.of(each) for each in (figures.METRIC, figures.ALARM, figures.LOGS))
    month = METRICS * metric + ALARMS * alarm
    counted = f"{METRICS} metrics x ${metric:g}, {ALARMS} alarms x ${alarm:g} a month"
    # By the training hours, which are the same both ways.
    logs = min(LOG_GB, way.train_hours * LOG_GB_AN_HOUR)
    return [
        Item(
            "CloudWatch",
            counted if way.watched else "none",
            month * way.hours / HOURS_A_MONTH if way.watched else 0.0,
            _sources(known, figures.METRIC, figures.ALARM),
        ),
        Item("logs", f"{logs:.2g} GB x ${log:g}", logs * log, _sources(known, figures.LOGS)),
    ]


def _keys(way: Way, known: Prices) -> Item:
    each = known.of(figures.KMS)
    return Item(
        "KMS",
        f"1 key x ${each:g} a month" if way.own_key else "the given key",
        each * way.hours / HOURS_A_MONTH if way.own_key else 0.0,
        _sources(known, figures.KMS),
    )


def _network(settings: Settings, way: Way, known: Prices) -> list[Item]:
    """NAT gateways, each with a public address, and their traffic; also that of a given VPC."""
    hour, gb, address = (
        known.of(each) for each in (figures.NAT_HOUR, figures.NAT_GB, figures.ADDRESS)
    )
    pulling = 1 + (settings.gpu.nodes if way.train_hours else 0)
    through = DATA_GB + settings.workload.rates.image_gb * pulling
    own = f"{way.gateways} x {way.hours:g} h x ${hour:g}"
    return [
        Item(
            "NAT",
            f"{own if way.gateways else 'the given VPC'}, {through} GB x ${gb:g}",
            way.gateways * way.hours * hour + through * gb,
            _sources(known, figures.NAT_HOUR, figures.NAT_GB),
        ),
        Item(
            "public addresses",
            f"{way.gateways} x {way.hours:g} h x ${address:g}",
            way.gateways * way.hours * address,
            _sources(known, figures.ADDRESS),
        ),
    ]


def _storage(settings: Settings, way: Way, known: Prices) -> list[Item]:
    storage, months = settings.storage, way.hours / HOURS_A_MONTH
    lustre = figures.FSX[storage.throughput]
    fsx, ebs = known.of(lustre), known.of(figures.EBS)
    disks = settings.core.nodes * settings.core.disk_gib * months
    disks += settings.gpu.nodes * settings.gpu.disk_gib * way.gpu_hours / HOURS_A_MONTH
    return [
        Item(
            "FSx for Lustre",
            f"{storage.capacity_gib} GiB x {way.hours:g} h x ${fsx:g} a GiB-month",
            storage.capacity_gib * fsx * months,
            _sources(known, lustre),
        ),
        Item(
            "EBS",
            f"{disks:.0f} GiB-months x ${ebs:g}",
            disks * ebs,
            _sources(known, figures.EBS),
        ),
        _bucket(settings, way, known),
        _replaced_checkpoints(settings, way, known),
    ]


def _bucket(settings: Settings, way: Way, known: Prices) -> Item:
    """Data set and checkpoints in S3."""
    each, kept = known.of(figures.S3), DATA_GB * 2
    if way.train_hours:
        kept += round(settings.workload.rates.checkpoints_gb(settings))
    counted = f"{kept} GB x {way.bucket_months:.3g} months x ${each:g}"
    return Item(
        "S3",
        counted if way.bucket_months else "nothing reaches it",
        kept * way.bucket_months * each,
        _sources(known, figures.S3),
    )


def _replaced_checkpoints(settings: Settings, way: Way, known: Prices) -> Item:
    """Old versions of checkpoints: S3 deletes them at midnight after their days."""
    each, days = known.of(figures.S3), settings.storage.noncurrent_checkpoint_days + 0.5
    months = min(days * 24 / HOURS_A_MONTH, way.bucket_months)
    replaced = settings.workload.rates.replaced_gb(settings) if way.train_hours else 0.0
    counted = f"{replaced:.0f} GB x {months:.2g} months x ${each:g}"
    return Item(
        "S3, replaced checkpoints",
        counted if months and way.train_hours else "nothing reaches it",
        replaced * months * each,
        _sources(known, figures.S3),
    )
