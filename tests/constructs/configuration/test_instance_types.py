"""What the instance types offer, by AWS' own figures."""

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
    ],
)
def test_a_node_takes_as_many_pods_as_aws_says(name: str, pods: int) -> None:
    """By addresses: https://github.com/awslabs/amazon-eks-ami (eni-max-pods.txt)."""
    assert ALL[name].max_pods == pods


@pytest.mark.parametrize("name", GPU_INSTANCE_TYPES)
def test_a_gpu_node_can_be_shared_out_among_its_gpus(name: str) -> None:
    """A worker of one GPU needs CPUs to feed it, and the GPU the memory that the model takes."""
    instance = GPU_INSTANCE_TYPES[name]
    assert instance.gpus >= 1
    assert instance.gpu_model
    assert instance.gpu_memory_gib >= 16
    assert instance.vcpus / instance.gpus >= 4


@pytest.mark.parametrize("name", CORE_INSTANCE_TYPES)
def test_a_core_node_is_paid_for_no_gpu(name: str) -> None:
    assert (CORE_INSTANCE_TYPES[name].gpus, CORE_INSTANCE_TYPES[name].gpu_model) == (0, "")


@pytest.mark.parametrize("instance", ALL.values(), ids=lambda each: each.name)
def test_a_larger_type_of_a_family_has_more(instance: InstanceType) -> None:
    """A slip in one figure would break the proportion: a family keeps its memory per vCPU."""
    family = instance.name.partition(".")[0]
    ratios = {
        each.memory_gib / each.vcpus for each in ALL.values() if re.match(rf"{family}\.", each.name)
    }
    assert max(ratios) / min(ratios) < 1.01
