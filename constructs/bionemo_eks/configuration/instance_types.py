"""EC2 instance types that the node groups may use, and what one of them offers.

Figures are those of `ec2:DescribeInstanceTypes`, as printed at
https://aws.amazon.com/ec2/instance-types/ . A type that is not here is refused by the settings:
replica counts, pod requests and quotas all derive from these figures, so a guess would be paid for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InstanceType:
    """Capacity of one instance: memory in GiB, GPUs by number and model."""

    name: str
    vcpus: int
    memory_gib: int
    max_interfaces: int
    addresses_per_interface: int
    gpus: int = 0
    gpu_model: str = ""
    gpu_memory_gib: int = 0

    @property
    def max_pods(self) -> int:
        """Pods the VPC CNI can give an address to without prefix delegation.

        Formula: https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html ;
        managed node groups cap it at 110, or 250 from 30 vCPUs on.
        """
        by_addresses = self.max_interfaces * (self.addresses_per_interface - 1) + 2
        return min(by_addresses, 250 if self.vcpus >= 30 else 110)


def _table(*types: InstanceType) -> dict[str, InstanceType]:
    return {each.name: each for each in types}


CORE_INSTANCE_TYPES = _table(
    InstanceType("m5.xlarge", 4, 16, 4, 15),
    InstanceType("m5.2xlarge", 8, 32, 4, 15),
    InstanceType("m5.4xlarge", 16, 64, 8, 30),
    InstanceType("m6i.xlarge", 4, 16, 4, 15),
    InstanceType("m6i.2xlarge", 8, 32, 4, 15),
    InstanceType("m6i.4xlarge", 16, 64, 8, 30),
    InstanceType("m7i.xlarge", 4, 16, 4, 15),
    InstanceType("m7i.2xlarge", 8, 32, 4, 15),
    InstanceType("m7i.4xlarge", 16, 64, 8, 30),
)

GPU_INSTANCE_TYPES = _table(
    InstanceType("p3.2xlarge", 8, 61, 4, 15, 1, "V100", 16),
    InstanceType("p3.8xlarge", 32, 244, 8, 30, 4, "V100", 16),
    InstanceType("p3.16xlarge", 64, 488, 8, 30, 8, "V100", 16),
    InstanceType("p3dn.24xlarge", 96, 768, 15, 50, 8, "V100", 32),
    InstanceType("p4d.24xlarge", 96, 1152, 60, 50, 8, "A100", 40),
    InstanceType("p4de.24xlarge", 96, 1152, 60, 50, 8, "A100", 80),
    InstanceType("p5.48xlarge", 192, 2048, 64, 50, 8, "H100", 80),
    InstanceType("g4dn.12xlarge", 48, 192, 8, 30, 4, "T4", 16),
    InstanceType("g5.12xlarge", 48, 192, 15, 50, 4, "A10G", 24),
    InstanceType("g5.24xlarge", 96, 384, 15, 50, 4, "A10G", 24),
    InstanceType("g5.48xlarge", 192, 768, 7, 50, 8, "A10G", 24),
    InstanceType("g6.12xlarge", 48, 192, 8, 30, 4, "L4", 24),
    InstanceType("g6.48xlarge", 192, 768, 15, 50, 8, "L4", 24),
)
