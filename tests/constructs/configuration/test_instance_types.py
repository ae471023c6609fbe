"""The instance types' capacity, by AWS's own figures."""

from __future__ import annotations

import re

import pytest

from bionemo_eks.configuration.instance_types import (
    CORE_INSTANCE_TYPES,
    GPU_INSTANCE_TYPES,
    InstanceType,
)

ALL = {**CORE_INSTANCE_TYPES, **GPU_INSTANCE_TYPES}


@pytest.mark.parametrize(
    ("name", "pods"),
    [
        ("m5.xlarge", 58),
        # 234 by addresses; managed node groups stop at 110 below 30 vCPUs, and at 250 above.
        ("m5.4xlarge", 110),
        ("p3.16xlarge", 234),
        ("g5.12xlarge", 250),
        ("p4d.24xlarge", 250),
        # The CNI uses only card 0, which has two interfaces.
        ("p5.48xlarge", 100),
        ("p5en.48xlarge", 198),
    ],
)
def test_a_node_runs_as_many_pods_as_aws_says(name: str, pods: int) -> None:
    """By addresses: https://github.com/awslabs/amazon-eks-ami (eni-max-pods.txt)."""
    assert ALL[name].max_pods == pods


@pytest.mark.parametrize("name", GPU_INSTANCE_TYPES)
def test_a_gpu_node_can_be_shared_out_among_its_gpus(name: str) -> None:
    """A worker of one GPU needs CPUs to feed it, and enough GPU memory for the model."""
    instance = GPU_INSTANCE_TYPES[name]
    assert instance.gpus >= 1
    assert instance.gpu_model
    assert instance.gpu_memory_gib >= 16
    assert instance.vcpus / instance.gpus >= 4


@pytest.mark.parametrize("name", CORE_INSTANCE_TYPES)
def test_core_node_types_have_no_gpu(name: str) -> None:
    assert (CORE_INSTANCE_TYPES[name].gpus, CORE_INSTANCE_TYPES[name].gpu_model) == (0, "")


@pytest.mark.parametrize(
    ("name", "cards", "with_efa"),
    [
        ("p3.16xlarge", 1, 0),
        ("p3dn.24xlarge", 1, 1),
        ("p4d.24xlarge", 4, 4),
        ("p4de.24xlarge", 4, 4),
        ("p5.4xlarge", 1, 1),
        ("p5.48xlarge", 32, 32),
        ("p5e.48xlarge", 32, 32),
        ("p5en.48xlarge", 16, 16),
        ("p6-b200.48xlarge", 8, 8),
        ("p6-b300.48xlarge", 17, 16),
        ("g5.4xlarge", 1, 0),
        ("g5.48xlarge", 1, 1),
        ("g6e.24xlarge", 2, 2),
        ("g6e.48xlarge", 4, 4),
        ("g7e.24xlarge", 2, 2),
    ],
)
def test_a_type_has_the_network_cards_that_aws_lists(name: str, cards: int, with_efa: int) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html"""
    found = GPU_INSTANCE_TYPES[name].network_cards
    assert (len(found), sum(card.efa for card in found)) == (cards, with_efa)


def test_card_0_of_b300_supports_no_efa() -> None:
    first, *others = GPU_INSTANCE_TYPES["p6-b300.48xlarge"].network_cards
    assert not first.efa
    assert all(card.efa for card in others)


def test_only_the_p3_without_local_disks_are_retired() -> None:
    retired = {name for name, each in GPU_INSTANCE_TYPES.items() if each.retired}
    assert retired == {"p3.2xlarge", "p3.8xlarge", "p3.16xlarge"}
    assert GPU_INSTANCE_TYPES["p3.16xlarge"].nvme_gb == 0
    assert GPU_INSTANCE_TYPES["p3dn.24xlarge"].nvme_gb == 1800


@pytest.mark.parametrize("instance", ALL.values(), ids=lambda each: each.name)
def test_a_larger_type_of_a_family_has_no_less(instance: InstanceType) -> None:
    """A typo in one figure would show as a larger type that has less, or the other way around."""
    family = instance.name.partition(".")[0]
    for other in ALL.values():
        if re.match(rf"{family}\.", other.name) and other.vcpus <= instance.vcpus:
            assert other.memory_gib / other.vcpus <= 2 * instance.memory_gib / instance.vcpus
            assert other.memory_gib <= instance.memory_gib
            assert other.gpu_model == instance.gpu_model
            assert other.gpu_memory_mib == instance.gpu_memory_mib
