"""Prices in US dollars from AWS's pages: used if AWS is not asked or does not answer."""

from __future__ import annotations

# List prices in us-west-2, before tax and discounts, as printed on AWS's pricing pages.
TABLE_OF, TABLE_REGION = "2025-12", "us-west-2"
_OF_2025 = {
    "m5.xlarge": 0.192,
    "m5.2xlarge": 0.384,
    "m5.4xlarge": 0.768,
    "m6i.xlarge": 0.192,
    "m6i.2xlarge": 0.384,
    "m6i.4xlarge": 0.768,
    "m7i.xlarge": 0.2016,
    "m7i.2xlarge": 0.4032,
    "m7i.4xlarge": 0.8064,
    "p3.2xlarge": 3.06,
    "p3.8xlarge": 12.24,
    "p3.16xlarge": 24.48,
    "p3dn.24xlarge": 31.212,
    "p4d.24xlarge": 21.9576,
    "p4de.24xlarge": 27.4471,
    "p5.48xlarge": 55.04,
    "g4dn.12xlarge": 3.912,
    "g5.12xlarge": 5.672,
    "g5.24xlarge": 8.144,
    "g5.48xlarge": 16.288,
    "g6.12xlarge": 4.6016,
    "g6.48xlarge": 13.3504,
}
# As of 2026-08, in us-east-1, where types that both regions have cost the same; same source as
# instance_types.yaml. p5e.48xlarge has none: AWS sells it only in Capacity Blocks.
_OF_2026 = {
    "p5.4xlarge": 6.88,
    "p5en.48xlarge": 63.296,
    "p6-b200.48xlarge": 113.9328,
    "p6-b300.48xlarge": 142.416,
    "g5.xlarge": 1.006,
    "g5.2xlarge": 1.212,
    "g5.4xlarge": 1.624,
    "g5.8xlarge": 2.448,
    "g5.16xlarge": 4.096,
    "g6.xlarge": 0.8048,
    "g6.2xlarge": 0.9776,
    "g6.4xlarge": 1.3232,
    "g6.8xlarge": 2.0144,
    "g6.16xlarge": 3.3968,
    "g6.24xlarge": 6.6752,
    "g6e.xlarge": 1.861,
    "g6e.2xlarge": 2.2421,
    "g6e.4xlarge": 3.0042,
    "g6e.8xlarge": 4.5286,
    "g6e.12xlarge": 10.4926,
    "g6e.16xlarge": 7.5772,
    "g6e.24xlarge": 15.0656,
    "g6e.48xlarge": 30.1312,
    "g7e.2xlarge": 3.3631,
    "g7e.4xlarge": 3.9982,
    "g7e.8xlarge": 5.2682,
    "g7e.12xlarge": 8.2861,
    "g7e.24xlarge": 16.5722,
    "g7e.48xlarge": 33.1443,
}
HOURLY = _OF_2025 | _OF_2026
# Instances in a Capacity Block: the rates on AWS's page until 2025-01-01. They follow supply and
# demand; `bionemo preflight --offers` shows current ones.
# https://aws.amazon.com/ec2/capacityblocks/pricing/
BLOCKS_OF = "2024-12"
BLOCK_HOURLY = {"p4d.24xlarge": 14.75, "p5.48xlarge": 39.33, "p5e.48xlarge": 43.26}
EKS_HOUR, EKS_EXTENDED_HOUR = 0.10, 0.60
NAT_HOUR, NAT_GB = 0.045, 0.045
# Per public IPv4 address, in use or not: https://aws.amazon.com/vpc/pricing/
ADDRESS_HOUR = 0.005
# The first 10,000 metrics, and alarms on one-minute metrics: https://aws.amazon.com/cloudwatch/pricing/
METRIC_MONTH, ALARM_MONTH = 0.30, 0.10
EBS_GB_MONTH, S3_GB_MONTH, LOGS_GB, KMS_MONTH = 0.08, 0.023, 0.50, 1.00
# PERSISTENT_2 SSD, by MB/s/TiB: https://aws.amazon.com/fsx/lustre/pricing/
FSX_GB_MONTH = {125: 0.145, 250: 0.210, 500: 0.340, 1000: 0.600}
HOURS_A_MONTH = 730
