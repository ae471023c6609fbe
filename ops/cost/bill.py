"""The bill of a run, item by item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bionemo_eks.configuration.settings import Settings
from ops import price_table as price
from ops.cost.prices import Prices
from ops.cost.ways import Way

DATA_GB, LOG_GB, LOG_GB_AN_HOUR = 12, 5, 0.06
# Of the watch, and on what it and Container Insights publish; a test counts them.
METRICS, ALARMS = 16, 17


@dataclass(frozen=True)
class Item:
    """One line of a bill: what, how it is counted, US dollars."""

    name: str
    counted: str
    dollars: float


@dataclass(frozen=True)
class Bill:
    """What a run costs that goes one way; the bills of two ways have the same items."""

    way: Way
    items: list[Item]

    @property
    def total(self) -> float:
        """The sum in US dollars."""
        return sum(item.dollars for item in self.items)


def bill_of(settings: Settings, way: Way, known: Prices, today: date) -> Bill:
    """Return what a run costs, item by item; storage by the hour, S3 also after the run."""
    # By the training's hours, which are the same in both ways.
    logs = min(LOG_GB, way.train_hours * LOG_GB_AN_HOUR)
    return Bill(
        way,
        [
            *_gpu_nodes(settings, way, known),
            *_cluster(settings, way, known, today),
            *_network(settings, way),
            *_storage(settings, way),
            _watching(way),
            Item("logs", f"{logs:.2g} GB x ${price.LOGS_GB:g}", logs * price.LOGS_GB),
            Item(
                "KMS",
                f"1 key x ${price.KMS_MONTH:g} a month",
                price.KMS_MONTH * way.hours / price.HOURS_A_MONTH,
            ),
        ],
    )


def gpu_price(settings: Settings, way: Way, known: Prices) -> float:
    """Return what an hour of a GPU node costs: Spot's or a block's price if it is bought so."""
    if way.spot and known.spot is not None:
        return known.spot
    # Of several types the first: On-Demand nodes are of another only where it is not to be had.
    on_demand = known.hourly.get(settings.gpu.types[0], known.block)
    each = known.block if way.block and known.block is not None else on_demand
    assert each is not None  # without either there is no estimate
    return each


def _gpu_nodes(settings: Settings, way: Way, known: Prices) -> list[Item]:
    gpu, each = settings.gpu, gpu_price(settings, way, known)
    spot = ", Spot" if way.spot and known.spot is not None else ""
    spot = ", Capacity Block" if way.block and known.block is not None else spot
    return [
        Item(
            "GPU nodes, training",
            f"{gpu.nodes} x {way.train_hours:g} h x ${each:g} ({gpu.types[0]}{spot})",
            gpu.nodes * way.train_hours * each,
        ),
        Item(
            "GPU nodes, idle",
            f"{gpu.nodes} x {way.idle_gpu_hours:g} h x ${each:g}",
            gpu.nodes * way.idle_gpu_hours * each,
        ),
    ]


def _cluster(settings: Settings, way: Way, known: Prices, today: date) -> list[Item]:
    core, hours = settings.core, way.hours
    each = known.hourly[core.instance_type]
    extended = today > settings.release.standard_support_until
    eks = price.EKS_EXTENDED_HOUR if extended else price.EKS_HOUR
    return [
        Item(
            "core nodes",
            f"{core.nodes} x {hours:g} h x ${each:g} ({core.instance_type})",
            core.nodes * hours * each,
        ),
        Item("EKS", f"{hours:g} h x ${eks:g}", hours * eks),
    ]


def _watching(way: Way) -> Item:
    """The watch's metrics, and the deployment's alarms."""
    month = METRICS * price.METRIC_MONTH + ALARMS * price.ALARM_MONTH
    counted = (
        f"{METRICS} metrics x ${price.METRIC_MONTH:g}, {ALARMS} alarms x ${price.ALARM_MONTH:g} "
        "a month"
    )
    return Item(
        "CloudWatch",
        counted if way.watched else "none",
        month * way.hours / price.HOURS_A_MONTH if way.watched else 0.0,
    )


def _network(settings: Settings, way: Way) -> list[Item]:
    """NAT gateways, each with a public address, and what goes through; also one of a given VPC."""
    pulling = 1 + (settings.gpu.nodes if way.train_hours else 0)
    through = DATA_GB + settings.workload.rates.image_gb * pulling
    own = f"{way.gateways} x {way.hours:g} h x ${price.NAT_HOUR:g}"
    return [
        Item(
            "NAT",
            f"{own if way.gateways else 'the given VPC'}, {through} GB x ${price.NAT_GB:g}",
            way.gateways * way.hours * price.NAT_HOUR + through * price.NAT_GB,
        ),
        Item(
            "public addresses",
            f"{way.gateways} x {way.hours:g} h x ${price.ADDRESS_HOUR:g}",
            way.gateways * way.hours * price.ADDRESS_HOUR,
        ),
    ]


def _storage(settings: Settings, way: Way) -> list[Item]:
    storage, months = settings.storage, way.hours / price.HOURS_A_MONTH
    fsx = price.FSX_GB_MONTH[storage.throughput]
    disks = settings.core.nodes * settings.core.disk_gib * months
    disks += settings.gpu.nodes * settings.gpu.disk_gib * way.gpu_hours / price.HOURS_A_MONTH
    kept = DATA_GB * 2
    if way.train_hours:
        kept += round(settings.workload.rates.checkpoints_gb(settings))
    in_bucket = f"{kept} GB x {way.bucket_months:.3g} months x ${price.S3_GB_MONTH:g}"
    return [
        Item(
            "FSx for Lustre",
            f"{storage.capacity_gib} GiB x {way.hours:g} h x ${fsx:g} a GiB-month",
            storage.capacity_gib * fsx * months,
        ),
        Item(
            "EBS", f"{disks:.0f} GiB-months x ${price.EBS_GB_MONTH:g}", disks * price.EBS_GB_MONTH
        ),
        Item(
            "S3",
            in_bucket if way.bucket_months else "nothing reaches it",
            kept * way.bucket_months * price.S3_GB_MONTH,
        ),
        _replaced_checkpoints(settings, way),
    ]


def _replaced_checkpoints(settings: Settings, way: Way) -> Item:
    """Old versions of checkpoints: S3 takes them away at the midnight after their days."""
    days = settings.storage.noncurrent_checkpoint_days + 0.5
    months = min(days * 24 / price.HOURS_A_MONTH, way.bucket_months)
    replaced = settings.workload.rates.replaced_gb(settings) if way.train_hours else 0.0
    counted = f"{replaced:.0f} GB x {months:.2g} months x ${price.S3_GB_MONTH:g}"
    return Item(
        "S3, replaced checkpoints",
        counted if months and way.train_hours else "nothing reaches it",
        replaced * months * price.S3_GB_MONTH,
    )
