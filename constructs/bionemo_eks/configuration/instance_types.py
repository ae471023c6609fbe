"""EC2 instance types that the node groups may use, with their capacity.

The GPU types are in instance_types.yaml, which `python -m ops.instance_types` updates from
`ec2:DescribeInstanceTypes`. The settings refuse a type that is not here: replica counts, pod
requests and quotas all derive from these figures, so a guess would cost money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from bionemo_eks.configuration.yaml_loader import LOADER

GPU_TABLE = Path(__file__).with_name("instance_types.yaml")

# A GPU's compute capability: major and minor version.
Capability = tuple[int, int]


@dataclass(frozen=True)
class NetworkCard:
    """One network card: how many interfaces it supports, and whether one may be an EFA."""

    interfaces: int
    efa: bool = False


@dataclass(frozen=True)
class InstanceType:
    """Capacity of one instance: memory in GiB, that of a GPU in MiB, NVMe disks in GB.

    `network_cards` by index; `retired`: the day by which AWS's customers had to leave it.
    """

    name: str
    vcpus: int
    memory_gib: int
    network_cards: tuple[NetworkCard, ...]
    addresses_per_interface: int
    gpus: int = 0
    gpu_model: str = ""
    gpu_memory_mib: int = 0
    compute_capability: Capability = (0, 0)
    nvme_gb: int = 0
    retired: date | None = None

    @property
    def gpu_memory_gib(self) -> float:
        """Memory of one GPU, as the driver reports it: some models reserve a part."""
        return round(self.gpu_memory_mib / 1024, 1)

    @property
    def max_pods(self) -> int:
        """Pods that the VPC CNI has addresses for without prefix delegation, on card 0 only.

        Formula: https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html ;
        managed node groups cap it at 110, or at 250 with 30 vCPUs or more.
        """
        interfaces = self.network_cards[0].interfaces
        by_addresses = interfaces * (self.addresses_per_interface - 1) + 2
        return min(by_addresses, 250 if self.vcpus >= 30 else 110)


def _core_types(*rows: tuple[str, int, int, int, int]) -> dict[str, InstanceType]:
    return {
        name: InstanceType(name, vcpus, memory_gib, (NetworkCard(interfaces),), addresses)
        for name, vcpus, memory_gib, interfaces, addresses in rows
    }


def gpu_types(path: Path = GPU_TABLE) -> dict[str, InstanceType]:
    """Return the types of a table such as instance_types.yaml, by name, in its order."""
    table = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    capabilities = {
        model: capability_of(text) for model, text in table["compute_capabilities"].items()
    }
    return {name: _gpu_type(name, row, capabilities) for name, row in table["types"].items()}


def _gpu_type(
    name: str, row: dict[str, Any], capabilities: Mapping[str, Capability]
) -> InstanceType:
    cards = [
        NetworkCard(each["interfaces"], each["efa"])
        for each in row["network_cards"]
        for _ in range(each["count"])
    ]
    return InstanceType(
        name=name,
        vcpus=row["vcpus"],
        memory_gib=row["memory_gib"],
        network_cards=tuple(cards),
        addresses_per_interface=row["addresses_per_interface"],
        gpus=row["gpus"],
        gpu_model=row["gpu"],
        gpu_memory_mib=row["gpu_memory_mib"],
        compute_capability=capabilities[row["gpu"]],
        nvme_gb=row["nvme_gb"],
        retired=row.get("retired"),
    )


def smallest(types: Sequence[InstanceType]) -> InstanceType:
    """Return what each of `types` has at least: CPUs, memory, disks and addresses for pods.

    The result has the first type's name, and its GPUs with the least memory of all. A pod that fits
    it fits all of them.
    """
    fewest_pods = min(types, key=lambda each: each.max_pods)
    return replace(
        types[0],
        vcpus=min(each.vcpus for each in types),
        memory_gib=min(each.memory_gib for each in types),
        gpu_memory_mib=min(each.gpu_memory_mib for each in types),
        nvme_gb=min(each.nvme_gb for each in types),
        network_cards=fewest_pods.network_cards,
        addresses_per_interface=fewest_pods.addresses_per_interface,
    )


def capability_of(text: str) -> Capability:
    """Return a compute capability from NVIDIA's notation: `10.3`."""
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def capability_text(capability: Capability) -> str:
    """Return a compute capability in NVIDIA's notation: `10.3`."""
    return ".".join(map(str, capability))


# Figures: https://aws.amazon.com/ec2/instance-types/m5/ , m6i, m7i, and for interfaces and
# addresses https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AvailableIpPerENI.html
CORE_INSTANCE_TYPES = _core_types(
    ("m5.xlarge", 4, 16, 4, 15),
    ("m5.2xlarge", 8, 32, 4, 15),
    ("m5.4xlarge", 16, 64, 8, 30),
    ("m6i.xlarge", 4, 16, 4, 15),
    ("m6i.2xlarge", 8, 32, 4, 15),
    ("m6i.4xlarge", 16, 64, 8, 30),
    ("m7i.xlarge", 4, 16, 4, 15),
    ("m7i.2xlarge", 8, 32, 4, 15),
    ("m7i.4xlarge", 16, 64, 8, 30),
)
GPU_INSTANCE_TYPES = gpu_types()
