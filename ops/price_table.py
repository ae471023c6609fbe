"""Prices in US dollars, as AWS' pages print them: what is counted with when AWS is not asked."""

from __future__ import annotations

# List prices in us-west-2, before tax and discounts, as printed on AWS' pricing pages.
TABLE_OF, TABLE_REGION = "2025-12", "us-west-2"
HOURLY = {
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
EKS_HOUR, EKS_EXTENDED_HOUR = 0.10, 0.60
NAT_HOUR, NAT_GB = 0.045, 0.045
# Of each public IPv4 address, in use or not: https://aws.amazon.com/vpc/pricing/
ADDRESS_HOUR = 0.005
EBS_GB_MONTH, S3_GB_MONTH, LOGS_GB, KMS_MONTH = 0.08, 0.023, 0.50, 1.00
# PERSISTENT_2 SSD, by MB/s/TiB: https://aws.amazon.com/fsx/lustre/pricing/
FSX_GB_MONTH = {125: 0.145, 250: 0.210, 500: 0.340, 1000: 0.600}
HOURS_A_MONTH = 730
