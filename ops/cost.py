"""What one full run costs, beside the same run the way of 2024; docs/cost.md explains it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bionemo_eks.naming import DEPLOYMENT_TAG
from bionemo_eks.settings import Settings
from ops import prices as price
from ops.aws import Deployment
from ops.prices import Prices

# Hours. Deployment and removal as measured by AWS' own documents and users of the same services;
# the data Job from bench/uniref50_speed.py and a download at 100 MB/s, rounded up; 2024's from the
# source document (50 to 60 hours).
DEPLOY_HOURS, DESTROY_HOURS = 0.5, 0.5
STREAMING_HOURS, BIONEMO_HOURS = 0.5, 55.0
# An on-demand GPU node boots, pulls the image, and waits ten minutes to be let go.
AROUND_TRAINING_HOURS = 0.4
TRAINING_HOURS = 24.0
DATA_GB, IMAGE_GB, LOG_GB = 12, 15, 5
CHECKPOINTS_GB = 30


@dataclass(frozen=True)
class Way:
    """How a run goes: hours of each phase, and for how many of them GPU nodes are paid for."""

    name: str
    preparation_hours: float
    training_hours: float
    gpu_hours: float

    @property
    def hours(self) -> float:
        """From the first resource to the last."""
        return DEPLOY_HOURS + self.preparation_hours + self.training_hours + DESTROY_HOURS

    @property
    def idle_gpu_hours(self) -> float:
        """Hours for which each GPU node is paid for and trains nothing."""
        return self.gpu_hours - self.training_hours


@dataclass(frozen=True)
class Item:
    """One line of a bill: what, how it is counted, US dollars."""

    name: str
    counted: str
    dollars: float


def ways(settings: Settings, training_hours: float = TRAINING_HOURS) -> tuple[Way, Way]:
    """Return the run that `settings` describe, and the same training the 2024 way."""
    streaming = settings.dataset.preparation == "streaming"
    preparation = STREAMING_HOURS if streaming else BIONEMO_HOURS
    fixed = settings.gpu.scaling == "fixed"
    around = DEPLOY_HOURS + preparation + DESTROY_HOURS if fixed else AROUND_TRAINING_HOURS
    return (
        Way("these settings", preparation, training_hours, training_hours + around),
        Way(
            "2024 blueprint",
            BIONEMO_HOURS,
            training_hours,
            DEPLOY_HOURS + BIONEMO_HOURS + training_hours + DESTROY_HOURS,
        ),
    )


def bill(settings: Settings, way: Way, known: Prices, today: date) -> list[Item]:
    """Return what a run costs, item by item; storage by the hour, S3 for a month after."""
    gpu, core, hours = settings.gpu, settings.core, way.hours
    months = hours / price.HOURS_A_MONTH
    gateways = 1 if settings.network.nat_gateways == "one" else len(settings.zones)
    gpu_price, core_price = known.hourly[gpu.instance_type], known.hourly[core.instance_type]
    extended = today > settings.release.standard_support_until
    eks = price.EKS_EXTENDED_HOUR if extended else price.EKS_HOUR
    through_nat = DATA_GB + IMAGE_GB * (gpu.nodes + 1)
    storage, kept = settings.storage, DATA_GB * 2 + CHECKPOINTS_GB
    fsx = price.FSX_GB_MONTH[storage.throughput]
    gpu_idle = gpu.nodes * way.idle_gpu_hours * gpu_price
    disks = core.nodes * core.disk_gib * months
    disks += gpu.nodes * gpu.disk_gib * way.gpu_hours / price.HOURS_A_MONTH
    return [
        Item(
            "GPU nodes, training",
            f"{gpu.nodes} x {way.training_hours:g} h x ${gpu_price:g} ({gpu.instance_type})",
            gpu.nodes * way.training_hours * gpu_price,
        ),
        Item(
            "GPU nodes, idle",
            f"{gpu.nodes} x {way.idle_gpu_hours:g} h x ${gpu_price:g}",
            gpu_idle,
        ),
        Item(
            "core nodes",
            f"{core.nodes} x {hours:g} h x ${core_price:g} ({core.instance_type})",
            core.nodes * hours * core_price,
        ),
        Item("EKS", f"{hours:g} h x ${eks:g}", hours * eks),
        Item(
            "FSx for Lustre",
            f"{storage.capacity_gib} GiB x {hours:g} h x ${fsx:g} a GiB-month",
            storage.capacity_gib * fsx * months,
        ),
        Item(
            "NAT",
            f"{gateways} x {hours:g} h x ${price.NAT_HOUR:g}, {through_nat} GB x ${price.NAT_GB:g}",
            gateways * hours * price.NAT_HOUR + through_nat * price.NAT_GB,
        ),
        Item(
            "EBS", f"{disks:.0f} GiB-months x ${price.EBS_GB_MONTH:g}", disks * price.EBS_GB_MONTH
        ),
        Item("S3", f"{kept} GB for a month x ${price.S3_GB_MONTH:g}", kept * price.S3_GB_MONTH),
        Item("logs", f"{LOG_GB} GB x ${price.LOGS_GB:g}", LOG_GB * price.LOGS_GB),
        Item("KMS", f"1 key x ${price.KMS_MONTH:g} a month", price.KMS_MONTH * months),
    ]


def total(items: list[Item]) -> float:
    """Return the sum in US dollars."""
    return sum(item.dollars for item in items)


def actual(found: Deployment, days: int) -> dict[str, float]:
    """Return US dollars by service over the last `days`, of what carries the deployment's tag.

    The tag must be active as a cost allocation tag:
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
    Raises ClientError or BotoCoreError when Cost Explorer does not answer.
    """
    end = datetime.now(UTC).date() + timedelta(days=1)
    answer: dict[str, Any] = found.aws.client("ce", "us-east-1").get_cost_and_usage(
        TimePeriod={"Start": str(end - timedelta(days=days)), "End": str(end)},
        Granularity="MONTHLY",
        Metrics=["UnblendedCost"],
        GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
        Filter={"Tags": {"Key": DEPLOYMENT_TAG, "Values": [found.settings.cluster_name]}},
    )
    spent: dict[str, float] = {}
    for period in answer["ResultsByTime"]:
        for group in period["Groups"]:
            amount = float(group["Metrics"]["UnblendedCost"]["Amount"])
            spent[group["Keys"][0]] = spent.get(group["Keys"][0], 0.0) + amount
    return spent
