"""Which settings are accepted, and the sizes derived from them."""

from __future__ import annotations

import pytest

from tests.context import read_settings


@pytest.mark.parametrize("block", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/24"])
def test_addresses_of_the_internet_may_reach_the_endpoint(block: str) -> None:
    settings = read_settings({"cluster.public_access_cidrs": block})
    assert settings.cluster.public_access_cidrs == [block]


@pytest.mark.parametrize("release", ["", "1.35.3-20261012"])
def test_an_ami_release_of_the_clusters_version_is_accepted(release: str) -> None:
    settings = read_settings({"gpu.ami_release": release, "kubernetes_version": "1.35"})
    assert settings.gpu.ami_release == release


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
def test_sizes_follow_from_the_settings(
    changes: dict[str, str], workers: int, gpus: int, per_worker: int
) -> None:
    settings = read_settings(changes)
    assert (settings.workers, settings.gpus, settings.gpus_per_worker) == (
        workers,
        gpus,
        per_worker,
    )


def test_with_several_types_requests_follow_from_the_smallest() -> None:
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


@pytest.mark.parametrize(
    ("changes", "sequences"),
    [
        ({}, 2 * 8 * 8),
        ({"training.layout": "pod-per-node", "gpu.nodes": "3"}, 3 * 8 * 8),
        ({"training.micro_batch_size": "4", "training.accumulate_grad_batches": "5"}, 16 * 4 * 5),
        ({"training.overrides": "model.optim.lr=0.1"}, 128),
        # The effect of an override is not read here.
        ({"training.overrides": "model.micro_batch_size=2"}, 0),
        ({"training.overrides": "++model.tensor_model_parallel_size=2"}, 0),
    ],
)
def test_the_global_batch_is_that_of_all_gpus(changes: dict[str, str], sequences: int) -> None:
    assert read_settings(changes).global_batch == sequences


def test_a_split_may_be_as_small_as_the_global_batch() -> None:
    assert read_settings({"dataset.val_size": "128"}).dataset.val_size == 128
