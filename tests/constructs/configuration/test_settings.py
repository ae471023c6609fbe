"""What settings are taken, and the sizes that derive from them."""

from __future__ import annotations

import pytest

from tests.context import read_settings


@pytest.mark.parametrize("block", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/24"])
def test_addresses_of_the_internet_may_reach_the_endpoint(block: str) -> None:
    settings = read_settings({"cluster.public_access_cidrs": block})
    assert settings.cluster.public_access_cidrs == [block]


def test_with_an_existing_vpc_one_zone_may_be_named() -> None:
    context = {"network.vpc_id": "vpc-12345678", "network.availability_zones": "us-west-2c"}
    assert read_settings(context).gpu_zone == "us-west-2c"


@pytest.mark.parametrize(
    ("changes", "workers", "gpus", "per_worker"),
    [
        ({}, 16, 16, 1),
        ({"training.layout": "pod-per-node"}, 2, 16, 8),
        ({"gpu.instance_type": "g5.12xlarge", "gpu.nodes": "3"}, 12, 12, 1),
        ({"gpu.instance_type": "p3.2xlarge", "training.layout": "pod-per-node"}, 2, 2, 1),
    ],
)
def test_sizes_derive(changes: dict[str, str], workers: int, gpus: int, per_worker: int) -> None:
    settings = read_settings(changes)
    assert (settings.workers, settings.gpus, settings.gpus_per_worker) == (
        workers,
        gpus,
        per_worker,
    )


def test_of_several_types_requests_derive_from_the_smallest() -> None:
    several = read_settings({"gpu.instance_type": "p5.48xlarge, p4d.24xlarge,p3dn.24xlarge"})
    assert several.gpu.types == ("p5.48xlarge", "p4d.24xlarge", "p3dn.24xlarge")
    node = several.gpu_instance
    assert (node.vcpus, node.memory_gib, node.gpu_memory_gib) == (96, 768, 32)
    assert (node.gpus, several.gpus, node.max_pods) == (8, 16, 100)


@pytest.mark.parametrize(
    "region", ["us-east-1", "ap-southeast-5", "ca-west-1", "il-central-1", "mx-central-1"]
)
def test_regions_are_accepted(region: str) -> None:
    assert read_settings({"region": region}).zones == (f"{region}a", f"{region}b")
