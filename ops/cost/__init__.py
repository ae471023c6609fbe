"""What one full run costs, beside the same run the way of 2024; docs/cost.md explains it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bionemo_eks.configuration.settings import DEPLOYMENT_TAG, Settings
from ops import prices as price
from ops.aws import Deployment
from ops.prices import Prices

# Hours. Deployment and removal: what AWS' documents say of EKS, node groups and FSx, rounded up.
DEPLOY_HOURS, DESTROY_HOURS = 0.5, 0.5
# The data Job: bench/uniref50_latency.py and a slow download; 2024's: the middle of the 50 to 60
# hours that the source document tells of.
STREAMING_HOURS, BIONEMO_HOURS = 0.5, 55.0
# An on-demand GPU node boots, pulls the image, and waits ten minutes to be let go.
AROUND_TRAINING_HOURS = 0.4
DATA_GB, LOG_GB = 12, 5


@dataclass(frozen=True)
class Way:
    """How a run goes: hours of each phase, and what it uses.

    For `idle_gpu_hours` each GPU node is paid for and trains nothing. `gateways`: NAT gateways of
    its own. `spot`: how GPU nodes are bought, where a price for that is known. `bucket_months`: how
    long a bucket holds data set and checkpoints.
    """

    name: str
    prepare_hours: float
    train_hours: float
    idle_gpu_hours: float
    gateways: int
    spot: bool = False
    bucket_months: float = 1.0

    @property
    def phases(self) -> dict[str, float]:
        """Hours by phase, in their order."""
        return {
            "deploy": DEPLOY_HOURS,
            "prepare the data": self.prepare_hours,
            "train": self.train_hours,
            "destroy": DESTROY_HOURS,
        }

    @property
    def hours(self) -> float:
        """From the first resource to the last."""
        return sum(self.phases.values())

    @property
    def gpu_hours(self) -> float:
        """Hours for which each GPU node is paid for."""
        return self.train_hours + self.idle_gpu_hours


@dataclass(frozen=True)
class Item:
    """One line of a bill: what, how it is counted, US dollars."""

    name: str
    counted: str
    dollars: float


def ways(settings: Settings, training_hours: float | None = None) -> tuple[Way, Way]:
    """Return the run that `settings` describe, and the same training the 2024 way.

    `training_hours`: as the workload says, unless given. 2024's nodes are On-Demand and there from
    the beginning; nothing of its data reaches S3.
    """
    if training_hours is None:
        training_hours = settings.workload.rates.training_hours(settings)
    streaming = settings.dataset.preparation == "streaming"
    prepare = STREAMING_HOURS if streaming else BIONEMO_HOURS
    around = AROUND_TRAINING_HOURS
    if settings.gpu.scaling == "fixed":
        around = DEPLOY_HOURS + prepare + DESTROY_HOURS
    old_around = DEPLOY_HOURS + BIONEMO_HOURS + DESTROY_HOURS
    run_months = (DEPLOY_HOURS + prepare + training_hours + DESTROY_HOURS) / price.HOURS_A_MONTH
    return (
        Way(
            "these settings",
            prepare,
            training_hours,
            around,
            gateways=_gateways(settings),
            spot=settings.gpu.purchase == "spot",
            bucket_months=1.0 if settings.storage.keep_bucket else run_months,
        ),
        Way(
            "2024 blueprint",
            BIONEMO_HOURS,
            training_hours,
            old_around,
            gateways=1,
            bucket_months=0.0,
        ),
    )


def _gateways(settings: Settings) -> int:
    """NAT gateways of the deployment's own; a given VPC has its own already."""
    if settings.network.vpc_id:
        return 0
    return 1 if settings.network.nat_gateways == "one" else len(settings.zones)


def bill(settings: Settings, way: Way, known: Prices, today: date) -> list[Item]:
    """Return what a run costs, item by item; storage by the hour, S3 also after the run."""
    return [
        *_gpu_nodes(settings, way, known),
        *_cluster(settings, way, known, today),
        *_network(settings, way),
        *_storage(settings, way),
        Item("logs", f"{LOG_GB} GB x ${price.LOGS_GB:g}", LOG_GB * price.LOGS_GB),
        Item(
            "KMS",
            f"1 key x ${price.KMS_MONTH:g} a month",
            price.KMS_MONTH * way.hours / price.HOURS_A_MONTH,
        ),
    ]


def gpu_price(settings: Settings, way: Way, known: Prices) -> float:
    """Return what an hour of a GPU node costs: Spot's price if it is bought so and known."""
    if way.spot and known.spot is not None:
        return known.spot
    return known.hourly[settings.gpu.instance_type]


def _gpu_nodes(settings: Settings, way: Way, known: Prices) -> list[Item]:
    gpu, each = settings.gpu, gpu_price(settings, way, known)
    spot = ", Spot" if way.spot and known.spot is not None else ""
    return [
        Item(
            "GPU nodes, training",
            f"{gpu.nodes} x {way.train_hours:g} h x ${each:g} ({gpu.instance_type}{spot})",
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


def _network(settings: Settings, way: Way) -> list[Item]:
    """NAT gateways, each with a public address, and what goes through; also one of a given VPC."""
    through = DATA_GB + settings.workload.rates.image_gb * (settings.gpu.nodes + 1)
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
    kept = DATA_GB * 2 + settings.workload.rates.checkpoints_gb
    long = "1 month" if way.bucket_months == 1 else f"{way.bucket_months:.2g} months"
    in_bucket = f"{kept} GB x {long} x ${price.S3_GB_MONTH:g}"
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
    ]


def total(items: list[Item]) -> float:
    """Return the sum in US dollars."""
    return sum(item.dollars for item in items)


def actual(deployment: Deployment, days: int) -> dict[str, float]:
    """Return US dollars by service over the last `days`, of what carries the deployment's tag.

    The tag must be active as a cost allocation tag:
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
    Raises ClientError or BotoCoreError when Cost Explorer does not answer.
    """
    end = datetime.now(UTC).date() + timedelta(days=1)
    periods = _periods(
        deployment.aws.client("ce", "us-east-1"),
        TimePeriod={"Start": str(end - timedelta(days=days)), "End": str(end)},
        Granularity="MONTHLY",
        Metrics=["UnblendedCost"],
        GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
        Filter={"Tags": {"Key": DEPLOYMENT_TAG, "Values": [deployment.settings.cluster_name]}},
    )
    spent: dict[str, float] = {}
    for period in periods:
        for group in period["Groups"]:
            amount = float(group["Metrics"]["UnblendedCost"]["Amount"])
            spent[group["Keys"][0]] = spent.get(group["Keys"][0], 0.0) + amount
    return spent


def _periods(explorer: Any, **question: Any) -> Iterator[dict[str, Any]]:
    """What Cost Explorer tells, all pages of it: boto3 turns none of them by itself.

    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
    """
    more: dict[str, str] = {}
    while True:
        answer = explorer.get_cost_and_usage(**question, **more)
        yield from answer["ResultsByTime"]
        if not answer.get("NextPageToken"):
            return
        more = {"NextPageToken": answer["NextPageToken"]}
