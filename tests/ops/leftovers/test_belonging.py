"""What exists is not left over; what belongs to no existing stack is."""

from __future__ import annotations

import pytest

from ops.leftovers import Leftover, Search, belonging


def stack(name: str, state: str = "CREATE_COMPLETE") -> Leftover:
    return Leftover("stacks", f"bionemo-on-eks-{name.lower()}", state=state, stack=name)


NETWORK, CLUSTER = stack("Network"), stack("Cluster")
GATEWAY = Leftover("NAT gateways", "nat-1", stack="Network")
DISK = Leftover("volumes", "vol-1", stack="Cluster")
UNKNOWN = Leftover("Elastic IP addresses", "eipalloc-1")
BUCKET = Leftover("buckets", "b", kept=True, stack="Storage")
EVERYTHING = [GATEWAY, DISK, UNKNOWN, BUCKET]


@pytest.mark.parametrize(
    ("stacks", "existing", "left"),
    [
        ([NETWORK, CLUSTER], [NETWORK, CLUSTER], []),
        # A disk that outlived its cluster, next to an existing network.
        ([NETWORK], [NETWORK], [DISK]),
        # A stack without resources still exists, and blocks the next deployment.
        ([NETWORK, stack("Cluster", "ROLLBACK_COMPLETE")], [NETWORK], [DISK]),
        ([stack("Network", "DELETE_FAILED")], [], [GATEWAY, DISK, UNKNOWN]),
        ([], [], [GATEWAY, DISK, UNKNOWN]),
    ],
)
def test_only_what_belongs_to_no_existing_stack_is_left_over(
    stacks: list[Leftover], existing: list[Leftover], left: list[Leftover]
) -> None:
    search = Search([*stacks, *EVERYTHING], {})
    assert belonging.existing(search) == existing
    others = [each for each in stacks if each not in existing]
    assert belonging.left_over(search) == [*others, *left]


def test_a_cluster_without_its_stack_is_left_over_next_to_existing_stacks() -> None:
    cluster = Leftover("EKS clusters", "bionemo-on-eks", stack="Cluster")
    assert belonging.left_over(Search([NETWORK, cluster], {})) == [cluster]
