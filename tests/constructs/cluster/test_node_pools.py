"""How the settings define the two node pools."""

from __future__ import annotations

import re

import pytest

from bionemo_eks.cluster.node_group import Disk, NodePool
from bionemo_eks.cluster.node_pools import core_pool, gpu_pool
from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from bionemo_eks.configuration.names import name_with_hash, node_group_prefix
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.configuration.scheduling import CORE_SELECTOR, GPU_SELECTOR, GPU_TAINT
from tests.context import USABLE, read_settings

TAGS = {"team": "folding"}
SUBNETS = ("subnet-a", "subnet-b")
BLOCK = {
    "gpu.purchase": "capacity-block",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}
IN_A_GROUP = {
    "gpu.purchase": "capacity-reservation",
    "gpu.capacity_reservation_group": "arn:aws:resource-groups:us-west-2:111122223333:group/x",
}
RESERVED = {
    "gpu.purchase": "capacity-reservation",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}


def core(subnets: tuple[str, ...] = SUBNETS, /, **changes: str) -> NodePool:
    return core_pool(read_settings(changes), TAGS, subnets)


def gpu(subnets: tuple[str, ...] = SUBNETS[:1], /, **changes: str) -> NodePool:
    return gpu_pool(read_settings(changes), TAGS, subnets)


@pytest.mark.parametrize(
    ("scaling", "sizes"), [("on-demand", (0, 4)), ("fixed", (4, 4))], ids=["on-demand", "fixed"]
)
def test_gpu_nodes_scale_from_0_or_run_always(scaling: str, sizes: tuple[int, int]) -> None:
    pool = gpu(**{"gpu.scaling": scaling, "gpu.nodes": "4"})
    assert (pool.min_nodes, pool.max_nodes) == sizes


def test_core_nodes_are_never_fewer_than_set() -> None:
    pool = core(**{"core.nodes": "4", "core.max_nodes": "7"})
    assert (pool.min_nodes, pool.max_nodes) == (4, 7)


def test_each_pool_has_the_disk_set_for_it() -> None:
    changes = {"core.disk_gib": "150", "gpu.disk_gib": "300"}
    assert (core(**changes).disk.size, gpu(**changes).disk.size) == (150, 300)


@pytest.mark.parametrize("instance_type", USABLE)
def test_images_go_to_local_nvme_or_to_a_fast_root_volume(instance_type: str) -> None:
    """gp3 gives at most 2,000 MiB/s, and a quarter of a MiB/s per IOPS.

    https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
    """
    pool = gpu(**{"gpu.instance_type": instance_type, "gpu.nodes": "1"})
    if GPU_INSTANCE_TYPES[instance_type].nvme_gb:
        assert pool.disk == Disk(200)
        return
    assert pool.disk.throughput is not None
    assert pool.disk.iops is not None
    assert 500 <= pool.disk.throughput <= min(2000, pool.disk.iops / 4)


def test_only_the_gpu_nodes_ami_is_pinned() -> None:
    change = {"gpu.ami_release": "1.35.3-20261012"}
    assert gpu(**change).ami_release == "1.35.3-20261012"
    assert not core(**change).ami_release


def test_only_gpu_nodes_get_user_data_about_disks_and_images() -> None:
    assert gpu().user_data
    assert not core().user_data


@pytest.mark.parametrize(
    ("changes", "capacity_type", "reservation"),
    [
        ({"gpu.purchase": "on-demand"}, "ON_DEMAND", ""),
        ({"gpu.purchase": "spot"}, "SPOT", ""),
        (RESERVED, "ON_DEMAND", "cr-0123456789abcdef0"),
        (BLOCK, "CAPACITY_BLOCK", "cr-0123456789abcdef0"),
    ],
)
def test_gpu_nodes_are_bought_as_set(
    changes: dict[str, str], capacity_type: str, reservation: str
) -> None:
    pool = gpu(**changes)
    assert pool.capacity_type == capacity_type
    assert pool.capacity_reservation_id == reservation
    # Reserved instances need not be in our placement group.
    assert pool.cluster_placement == (not reservation)
    assert core(**changes).capacity_type == "ON_DEMAND"


def test_a_pod_without_toleration_never_runs_on_a_gpu_node() -> None:
    assert gpu().taint == GPU_TAINT
    assert core().taint is None


def test_selectors_tell_the_pools_apart() -> None:
    for selector, pool, other in ((CORE_SELECTOR, core(), gpu()), (GPU_SELECTOR, gpu(), core())):
        assert selector.items() <= pool.labels.items()
        assert not selector.items() <= other.labels.items()


def test_a_resource_group_of_reservations_is_used_like_one_reservation() -> None:
    pool = gpu(**IN_A_GROUP)
    assert pool.capacity_reservation_group == IN_A_GROUP["gpu.capacity_reservation_group"]
    assert pool.capacity_type == "ON_DEMAND"
    assert not pool.cluster_placement


def test_a_new_capacity_block_needs_a_new_group_and_a_new_reservation_does_not() -> None:
    """EKS plans for a block's end when it creates the group; a reservation is in the template."""
    other = {"gpu.capacity_reservation_id": "cr-00000000000000001"}
    assert gpu(**BLOCK).name != gpu(**BLOCK | other).name
    assert gpu(**RESERVED).name == gpu(**RESERVED | other).name == gpu().name


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "ON_DEMAND"),
        ({"gpu.purchase": "spot"}, "SPOT"),
        (RESERVED, "ON_DEMAND"),
        (BLOCK, "CAPACITY_BLOCK"),
    ],
)
def test_a_label_shows_how_a_gpu_node_was_bought(changes: dict[str, str], label: str) -> None:
    assert gpu(**changes).labels["WorkerType"] == label


@pytest.mark.parametrize("instance_type", USABLE)
def test_a_valid_label_names_the_gpu_for_the_autoscaler(
    instance_type: str,
) -> None:
    """It then waits for the GPUs of a new node instead of adding one more."""
    pool = gpu(**{"gpu.instance_type": instance_type, "gpu.nodes": "1"})
    model = GPU_INSTANCE_TYPES[instance_type].gpu_model.lower()
    assert pool.labels["k8s.amazonaws.com/accelerator"] == f"nvidia-{model.replace(' ', '-')}"
    for value in pool.labels.values():
        assert re.fullmatch(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?", value)


def test_nodes_carry_the_tags_given_and_a_name() -> None:
    for pool, name in ((core(), "bionemo-on-eks-core"), (gpu(), "bionemo-on-eks-gpu")):
        assert pool.tags == {**TAGS, "Name": name}


def test_an_update_needs_no_additional_gpu_node() -> None:
    assert gpu().replace_in_place is True
    assert core().replace_in_place is False


def test_different_subnets_make_a_different_group() -> None:
    """EKS cannot change subnets, and CloudFormation creates the new group next to the old one."""
    assert core(("subnet-a",)).name != core(("subnet-b",)).name
    assert gpu(("subnet-a",)).name != gpu(("subnet-b",)).name


@pytest.mark.parametrize(
    "change",
    [
        {"gpu.nodes": "3"},
        {"gpu.disk_gib": "300"},
        {"gpu.ami_release": "1.35.3-20261012"},
        {"kubernetes_version": "1.34"},
    ],
)
def test_what_eks_can_update_keeps_the_groups_name(change: dict[str, str]) -> None:
    assert gpu(**change).name == gpu().name


def test_changing_repair_creates_a_new_group_because_nodes_may_change_with_it() -> None:
    """EKS refuses the two together on one group: https://github.com/aws/aws-cdk/issues/16644"""
    repairs = ("off", "nodes", "gpus")
    pools = {repair: gpu(**{"gpu.repair": repair}) for repair in repairs}
    assert len({pool.name for pool in pools.values()}) == len(repairs)
    assert [pools[repair].repair for repair in repairs] == [False, True, True]


def test_without_repair_a_group_keeps_its_name_from_before_repair_existed() -> None:
    """So that an upgrade of this project updates the group in place."""
    pool = gpu(("pods-a",), **{"gpu.repair": "off", "gpu.instance_type": "p3.16xlarge"})
    before = ["p3.16xlarge", "AL2023_x86_64_NVIDIA", "ON_DEMAND", "pods-a"]
    assert pool.name == name_with_hash("bionemo-on-eks-gpu", *before)


def test_core_nodes_are_not_repaired() -> None:
    assert not core().repair


def test_several_types_change_the_groups_name_and_blanks_between_them_do_not() -> None:
    one, two = (
        gpu(**{"gpu.instance_type": each})
        for each in ("p4d.24xlarge", "p4d.24xlarge,p4de.24xlarge")
    )
    assert one.name == gpu().name
    assert two.name != one.name
    assert two.instance_types == ("p4d.24xlarge", "p4de.24xlarge")
    blanks = gpu(**{"gpu.instance_type": "p4d.24xlarge, p4de.24xlarge"})
    assert blanks.name == two.name


def test_names_have_the_prefix_that_notifications_match_and_fit_the_longest_cluster_name() -> None:
    """63 characters: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html"""
    longest = "a" * 30
    with pytest.raises(SettingsError):
        read_settings({"cluster_name": f"{longest}a"})
    settings = read_settings({"cluster_name": longest})
    for kind, pool in (
        ("core", core(cluster_name=longest)),
        ("gpu", gpu(cluster_name=longest)),
    ):
        assert pool.name.startswith(node_group_prefix(settings, kind))
        assert len(pool.name) <= 63


EFA = {"training.workload": "esm2"}


def test_with_efa_a_node_has_its_interfaces_and_the_autoscaler_knows_what_it_would_have() -> None:
    """The tags are of a group that would start at 0; the huge pages are reserved at boot."""
    pool = gpu(**EFA)
    assert len(pool.interfaces) == 5
    prefix = "k8s.io/cluster-autoscaler/node-template/resources"
    assert pool.group_tags == {
        f"{prefix}/vpc.amazonaws.com/efa": "4",
        f"{prefix}/hugepages-2Mi": "5120Mi",
    }
    assert "vm.nr_hugepages=2560" in pool.user_data


def test_enabling_efa_creates_a_new_group_because_its_tags_come_with_new_nodes() -> None:
    """EKS refuses the two together on one group: https://github.com/aws/aws-cdk/issues/16644"""
    off = gpu(**EFA, **{"gpu.efa": "off"})
    assert gpu(**EFA).name != off.name
    assert off.name == gpu().name
    assert (off.interfaces, off.group_tags) == ((), {})
    assert off.user_data == gpu().user_data


def test_core_nodes_have_no_efa() -> None:
    pool = core(**EFA)
    assert (pool.interfaces, pool.group_tags) == ((), {})
