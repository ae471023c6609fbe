"""How a run is done: as the settings describe it, and as in the 2024 blueprint."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bionemo_eks.configuration.purchase import SUSPENDED_BEFORE_END_MINUTES
from bionemo_eks.configuration.settings import Settings
from ops.price_table import HOURS_A_MONTH

# Hours. Deploy and destroy: what AWS's documents say about EKS, node groups and FSx, rounded up.
DEPLOY_HOURS, DESTROY_HOURS = 0.5, 0.5
# The data Job: bench/uniref50_latency.py and a slow download; in 2024: the middle of the 50 to 60
# hours in the 2024 blueprint.
STREAMING_HOURS, BIONEMO_HOURS = 0.5, 55.0
# A GPU node that the autoscaler starts boots, pulls the image, and stays ten minutes after use.
AROUND_TRAINING_HOURS = 0.4
# Capacity Blocks are sold by the day up to 14 days, then by 7 days up to 182:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-purchase.html
_DAY, _DAYS, _WEEK, _MOST = 24, 14, 7, 182


def block_hours(training_hours: float) -> int:
    """Return the hours of the shortest Capacity Block for a training of `training_hours`.

    At the start, nodes boot and pull the image; at the end, there is time for the last save. A
    training that is longer than the longest block gets the longest.
    """
    needed = training_hours + AROUND_TRAINING_HOURS + SUSPENDED_BEFORE_END_MINUTES / 60
    days = math.ceil(needed / _DAY)
    if days > _DAYS:
        days = math.ceil(days / _WEEK) * _WEEK
    return min(days, _MOST) * _DAY


@dataclass(frozen=True)
class Way:
    """How a run is done: hours of each phase, and what it uses.

    `idle_gpu_hours`: those that each GPU node is paid for without training. `gateways`: NAT
    gateways that it creates. `spot`, `block`: how GPU nodes are bought, if a price for that is
    known; else On-Demand. `bucket_months`: how long a bucket holds data set and checkpoints: the
    run, plus a month if it is kept. `watched`: with the watch's metrics and alarms. `own_key`: with
    a new KMS key, not that of `account.kms_key`.
    """

    name: str
    prepare_hours: float
    train_hours: float
    idle_gpu_hours: float
    gateways: int
    spot: bool = False
    block: bool = False
    watched: bool = True
    own_key: bool = True
    bucket_months: float = 0.0

    @property
    def phases(self) -> dict[str, float]:
        """Hours by phase, in order."""
        return {
            "deploy": DEPLOY_HOURS,
            "prepare the data": self.prepare_hours,
            "train": self.train_hours,
            "destroy": DESTROY_HOURS,
        }

    @property
    def hours(self) -> float:
        """Hours from the first resource to the last."""
        return sum(self.phases.values())

    @property
    def gpu_hours(self) -> float:
        """Hours for which each GPU node is paid for."""
        return self.train_hours + self.idle_gpu_hours


def these_settings(settings: Settings, training_hours: float) -> Way:
    """Return the run that `settings` describe."""
    streaming = settings.dataset.preparation == "streaming"
    prepare = STREAMING_HOURS if streaming else BIONEMO_HOURS
    if not settings.dataset.enabled:
        prepare = 0.0
    # Without a training, no GPU node starts by itself.
    around = AROUND_TRAINING_HOURS if settings.training.enabled else 0.0
    if settings.gpu.scaling == "fixed":
        around = DEPLOY_HOURS + prepare + DESTROY_HOURS
    block = settings.gpu.purchase == "capacity-block"
    if block:  # paid to its end
        around = max(block_hours(training_hours) - training_hours, around)
    run_months = (DEPLOY_HOURS + prepare + training_hours + DESTROY_HOURS) / HOURS_A_MONTH
    return Way(
        "these settings",
        prepare,
        training_hours,
        around,
        gateways=gateways_of(settings),
        spot=settings.gpu.purchase == "spot",
        block=block,
        own_key=not settings.account.kms_key,
        bucket_months=run_months + (1.0 if settings.storage.keep_bucket else 0.0),
    )


def until_now(settings: Settings, hours: float, gpu_hours: float) -> Way:
    """Return a run deployed for `hours`, with all its GPU nodes for `gpu_hours` of them."""
    return Way(
        "so far",
        # Everything other than training.
        hours - gpu_hours - DEPLOY_HOURS - DESTROY_HOURS,
        gpu_hours,
        0.0,
        gateways=gateways_of(settings),
        spot=settings.gpu.purchase == "spot",
        block=settings.gpu.purchase == "capacity-block",
        own_key=not settings.account.kms_key,
        bucket_months=hours / HOURS_A_MONTH,
    )


def gateways_of(settings: Settings) -> int:
    """Return the number of NAT gateways to create; a given VPC has its own already."""
    if settings.network.vpc_id:
        return 0
    return 1 if settings.network.nat_gateways == "one" else len(settings.zones)


def blueprint_of_2024(training_hours: float) -> Way:
    """Return the same training as in the 2024 blueprint.

    Its nodes are On-Demand and run from the beginning; none of its data reaches S3.
    """
    return Way(
        "2024 blueprint",
        BIONEMO_HOURS,
        training_hours,
        DEPLOY_HOURS + BIONEMO_HOURS + DESTROY_HOURS,
        gateways=1,
        watched=False,
    )
