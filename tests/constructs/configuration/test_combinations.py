"""Messages about settings whose values are each allowed but do not fit together."""

from __future__ import annotations

import pytest

from tests.context import refusal

SUBNET = "subnet-0123456789abcdef0"
_BLOCK = {
    "gpu.purchase": "capacity-block",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}
_GROUP = "arn:aws:resource-groups:us-west-2:111122223333:group/training"


@pytest.mark.parametrize(
    ("context", "concerned"),
    [
        (
            {"network.vpc_cidr": "100.64.0.0/16"},
            {"network.vpc_cidr": '"100.64.0.0/16"', "network.pod_cidr": None},
        ),
        ({"network.pod_cidr": "10.0.0.0/16"}, {"network.pod_cidr": '"10.0.0.0/16"'}),
        (
            {"network.vpc_id": "vpc-12345678", "network.node_subnet_ids": f"{SUBNET},{SUBNET}"},
            {"network.node_subnet_ids": f'["{SUBNET}", "{SUBNET}"]'},
        ),
        (
            {"network.node_subnet_ids": SUBNET},
            {"network.vpc_id": None, "network.node_subnet_ids": f'["{SUBNET}"]'},
        ),
        (
            {"network.availability_zones": "us-west-2a,us-west-2a"},
            {"network.availability_zones": '["us-west-2a", "us-west-2a"]'},
        ),
        (
            {"core.nodes": "5", "core.max_nodes": "4"},
            {"core.nodes": '"5"', "core.max_nodes": '"4"'},
        ),
        (
            {"gpu.purchase": "capacity-reservation"},
            {"gpu.purchase": '"capacity-reservation"', "gpu.capacity_reservation_id": None},
        ),
        (
            {"dataset.preparation": "bionemo", "dataset.url": "https://example.com/a.gz"},
            {"dataset.preparation": '"bionemo"', "dataset.url": '"https://example.com/a.gz"'},
        ),
        (
            {"dataset.preparation": "bionemo", "dataset.connections": "2"},
            {"dataset.preparation": '"bionemo"', "dataset.connections": '"2"'},
        ),
        (
            {"dataset.val_size": "127"},
            {
                "dataset.val_size": '"127"',
                "gpu.nodes": None,
                "training.micro_batch_size": None,
                "training.accumulate_grad_batches": None,
            },
        ),
        (
            {"dataset.test_size": "150", "dataset.num_csv_files": "200"},
            {"dataset.test_size": '"150"', "dataset.num_csv_files": '"200"'},
        ),
        (
            {"region": "eu-west-1", "network.availability_zones": "us-east-1a,us-east-1b"},
            {
                "region": '"eu-west-1"',
                "network.availability_zones": '["us-east-1a", "us-east-1b"]',
            },
        ),
        (
            {"gpu.availability_zone": "eu-west-1a"},
            {"region": None, "gpu.availability_zone": '"eu-west-1a"'},
        ),
        (
            {"gpu.availability_zone": "us-west-2c"},
            {"network.availability_zones": None, "gpu.availability_zone": '"us-west-2c"'},
        ),
    ],
)
def test_settings_that_do_not_go_together_are_all_named_with_their_values(
    context: dict[str, str], concerned: dict[str, str | None]
) -> None:
    """No other is named; None means the default."""
    _, *lines, _ = refusal(context).splitlines()
    assert [line.split()[0] for line in lines] == list(concerned)
    for line, value in zip(lines, concerned.values(), strict=True):
        assert (f" is {value}. Allowed: " if value else " has its default. Allowed: ") in line


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"gpu.instance_type": "p4d.24xlarge,p9.large"}, ["gpu.instance_type", "'p9.large'"]),
        ({"gpu.instance_type": "p4d.24xlarge,"}, ["gpu.instance_type", "''"]),
        ({"gpu.instance_type": "p4d.24xlarge, p4d.24xlarge"}, ["gpu.instance_type", "twice"]),
        (
            {"gpu.instance_type": "p4d.24xlarge,g5.12xlarge"},
            ["gpu.instance_type", "p4d.24xlarge has 8", "g5.12xlarge has 4"],
        ),
        (
            {
                "gpu.instance_type": "p4d.24xlarge,p4de.24xlarge",
                "gpu.purchase": "capacity-reservation",
                "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
            },
            ["gpu.instance_type", "gpu.capacity_reservation_id", "of one instance type"],
        ),
        (
            {"gpu.purchase": "capacity-block"},
            ["gpu.purchase", "gpu.capacity_reservation_id", "`capacity-block`", "go together"],
        ),
        (
            {**_BLOCK, "gpu.instance_type": "p4d.24xlarge,p4de.24xlarge"},
            ["gpu.instance_type", "gpu.capacity_reservation_id", "of one instance type"],
        ),
        (
            {**_BLOCK, "gpu.scaling": "fixed"},
            ["gpu.purchase", "gpu.scaling", "before a Capacity Block begins"],
        ),
        (
            {**_BLOCK, "gpu.capacity_reservation_group": _GROUP},
            ["gpu.purchase", "gpu.capacity_reservation_group", "capacity-block"],
        ),
        (
            {
                "gpu.purchase": "capacity-reservation",
                "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
                "gpu.capacity_reservation_group": _GROUP,
            },
            ["gpu.capacity_reservation_id", "gpu.capacity_reservation_group", "one of them"],
        ),
        (
            {"gpu.purchase": "capacity-reservation", "gpu.capacity_reservation_group": "training"},
            ["gpu.capacity_reservation_group", "training", "the ARN of a resource group"],
        ),
        (
            {"gpu.instance_type": "p5.48xlarge,p6-b200.48xlarge"},
            ["gpu.instance_type", "training.workload", "ESM-1nv", "p6-b200.48xlarge", "B200"],
        ),
        ({"gpu.instance_type": "p6-b300.48xlarge"}, ["ESM-1nv", "B300", "10.3", "V100", "H200"]),
        ({"gpu.instance_type": "g7e.48xlarge"}, ["ESM-1nv", "RTX PRO Server 6000", "12.0"]),
    ],
)
def test_gpu_types_that_do_not_fit_are_named_with_the_reason(
    changes: dict[str, str], named: list[str]
) -> None:
    text = refusal(changes)
    for part in named:
        assert part in text


@pytest.mark.parametrize(
    ("release", "version", "named"),
    [
        ("1.34.6-20261012", "1.35", ["Kubernetes 1.34.6", "has 1.35", "kubernetes_version"]),
        ("1.35.3-20260930", "1.35", ["known to be broken", "panics"]),
        ("1.34.6-20261003", "1.34", ["known to be broken", "panics"]),
        ("20261012", "1.35", ["1.35.3-20261012"]),
    ],
)
def test_an_ami_release_that_does_not_work_is_refused_with_the_reason(
    release: str, version: str, named: list[str]
) -> None:
    text = refusal({"gpu.ami_release": release, "kubernetes_version": version})
    for part in ["gpu.ami_release", release, *named]:
        assert part in text


def test_bionemos_own_preparation_needs_an_image_that_has_it() -> None:
    text = refusal({"training.workload": "esm2", "dataset.preparation": "bionemo"})
    for part in ("dataset.preparation", "training.workload", "ESM-2", "streaming"):
        assert part in text
