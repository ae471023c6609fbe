"""What of the leftovers may be deleted, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ops.leftovers import Leftover, Search, deletion
from tests.ops.reading import in_order


def left(
    kind: str, name: str = "x", state: str = "", delete: Any = None, stack: str = ""
) -> Leftover:
    return Leftover(kind, name, state=state, delete=delete, stack=stack)


def stack_in(state: str, stack: str = "Cluster") -> Leftover:
    return left("stacks", f"bionemo-on-eks-{stack.lower()}", state, stack=stack)


@pytest.mark.parametrize(
    ("found", "refused", "destroy"),
    [
        ([stack_in("CREATE_COMPLETE")], True, True),
        ([stack_in("DELETE_IN_PROGRESS")], True, True),
        ([stack_in("DELETE_FAILED"), left("EKS clusters")], True, True),
        ([left("EKS clusters")], True, True),
        ([left("instances", state="running")], True, False),
        ([left("instances", state="stopped")], False, False),
        ([stack_in("DELETE_FAILED")], False, False),
        ([stack_in("ROLLBACK_COMPLETE")], False, False),
        ([], False, False),
    ],
)
def test_a_deletion_is_refused_while_anything_is_deployed_or_runs(
    found: list[Leftover], refused: bool, destroy: bool
) -> None:
    """What is deployed is destroyed first, with CDK."""
    refusal = deletion.refusal(Search(found, {}))
    assert bool(refusal) == refused
    assert ("npx cdk destroy --all" in refusal) == destroy


def test_next_to_a_failed_stack_only_what_blocks_its_deletion_is_deleted() -> None:
    """Otherwise a VPC that an orphaned interface holds could never be deleted."""

    def remove() -> None:
        pass

    kinds = ("network interfaces", "security groups", "NAT gateways", "KMS keys")
    items = [left(kind, delete=remove) for kind in kinds]
    failed = Search([stack_in("DELETE_FAILED"), *items], {})
    assert [each.kind for each in deletion.safe(failed)] == list(kinds[:2])
    assert [each.kind for each in deletion.safe(Search(items, {}))] == list(kinds)


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", ""])
def test_what_belongs_to_no_existing_stack_may_be_deleted_next_to_existing_ones(
    status: str,
) -> None:
    """EKS recreates its log group, which blocks the next deployment."""
    cluster = [stack_in(status)] if status else []
    orphan = left("log groups", "/aws/eks/x/cluster", delete=print, stack="Cluster")
    kept = [
        left("log groups", "/aws/fsx/x", delete=print, stack="Storage"),
        left("NAT gateways", "of an unknown stack", delete=print),
    ]
    search = Search([stack_in("CREATE_COMPLETE", "Storage"), *cluster, orphan, *kept], {})
    assert (deletion.refusal(search), deletion.safe(search)) == ("", [orphan])


def test_what_a_running_cluster_may_need_stays_even_without_its_stack() -> None:
    for runs in (left("EKS clusters"), left("instances", state="running")):
        needed = left("log groups", delete=print, stack="Cluster")
        assert deletion.safe(Search([runs, needed], {})) == []


def test_next_to_other_stacks_only_a_failed_stacks_own_interfaces_are_deleted() -> None:
    own = left("network interfaces", "own", delete=print, stack="Cluster")
    other = left("network interfaces", "other", delete=print, stack="Storage")
    unknown = left("network interfaces", "unknown", delete=print)
    stacks = [stack_in("DELETE_FAILED"), stack_in("UPDATE_COMPLETE", "Storage")]
    assert deletion.safe(Search([*stacks, own, other, unknown], {})) == [own]


def test_a_group_referenced_by_another_is_deleted_in_the_next_round() -> None:
    removed: list[str] = []

    def first() -> None:
        if "second" not in removed:
            raise RuntimeError("DependencyViolation")
        removed.append("first")

    lines: list[str] = []
    items = [
        left("security groups", "first", delete=first),
        left("security groups", "second", delete=lambda: removed.append("second")),
    ]
    deleted = deletion.delete(items, lines.append)
    assert [each.id for each in deleted] == ["second", "first"]
    assert [each.id for each in items if in_order(lines[0], each.id)] == ["second"]
    assert len(lines) == 2, "the first attempt is not reported"


def test_what_cannot_be_deleted_is_reported_and_the_rest_is_deleted() -> None:
    def stuck() -> None:
        raise RuntimeError("DependencyViolation")

    lines: list[str] = []
    items = [left("volumes", "stuck", delete=stuck), left("volumes", "v", delete=lambda: None)]
    assert [each.id for each in deletion.delete(items, lines.append)] == ["v"]
    assert any("stuck" in line and "DependencyViolation" in line for line in lines)
