"""The prices of services in a bill: where AWS's Price List has each, and the table's value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bionemo_eks.configuration.settings import Settings
from ops import price_table as table


@dataclass(frozen=True)
class Figure:
    """A service's price in US dollars.

    `service`, `usage_type`: where the Price List has it, the usage type without its region prefix;
    `attributes` distinguish the product from others of that usage type. `of_table`: the table's.
    """

    name: str
    service: str
    usage_type: str
    of_table: float
    attributes: tuple[tuple[str, str], ...] = ()


# Usage types as in bills and price files, one file per service and region:
# https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonEKS/current/us-west-2/index.json
EKS = Figure("EKS", "AmazonEKS", "AmazonEKS-Hours:perCluster", table.EKS_HOUR)
# Added to the standard price: https://aws.amazon.com/eks/pricing/
EXTENDED_SUPPORT = Figure(
    "EKS, extended support",
    "AmazonEKS",
    "AmazonEKS-Hours:extendedSupport",
    round(table.EKS_EXTENDED_HOUR - table.EKS_HOUR, 2),
)
NAT_HOUR = Figure("NAT gateways", "AmazonEC2", "NatGateway-Hours", table.NAT_HOUR)
NAT_GB = Figure("NAT traffic", "AmazonEC2", "NatGateway-Bytes", table.NAT_GB)
ADDRESS = Figure("public addresses", "AmazonVPC", "PublicIPv4:InUseAddress", table.ADDRESS_HOUR)
EBS = Figure("EBS", "AmazonEC2", "EBS:VolumeUsage.gp3", table.EBS_GB_MONTH)
S3 = Figure(
    "S3", "AmazonS3", "TimedStorage-ByteHrs", table.S3_GB_MONTH, (("volumeType", "Standard"),)
)
METRIC = Figure("metrics", "AmazonCloudWatch", "CW:MetricMonitorUsage", table.METRIC_MONTH)
ALARM = Figure("alarms", "AmazonCloudWatch", "CW:AlarmMonitorUsage", table.ALARM_MONTH)
LOGS = Figure("logs", "AmazonCloudWatch", "DataProcessing-Bytes", table.LOGS_GB)
KMS = Figure("KMS", "awskms", "KMS-Keys", table.KMS_MONTH)
# By MB/s/TiB.
FSX = {
    throughput: Figure(
        f"FSx for Lustre, {throughput} MB/s/TiB",
        "AmazonFSx",
        f"Storage.SSD.{throughput}",
        dollars,
        (("fileSystemType", "Lustre"),),
    )
    for throughput, dollars in table.FSX_GB_MONTH.items()
}


def is_extended(settings: Settings, today: date) -> bool:
    """Whether the cluster's Kubernetes version is in extended support."""
    return today > settings.release.standard_support_until


def figures_of(settings: Settings, today: date) -> tuple[Figure, ...]:
    """Return the figures that a bill for `settings` needs."""
    always = (EKS, NAT_HOUR, NAT_GB, ADDRESS, EBS, S3, METRIC, ALARM, LOGS, KMS)
    extended = (EXTENDED_SUPPORT,) if is_extended(settings, today) else ()
    return (*always, *extended, FSX[settings.storage.throughput])
