"""Preflight with existing resources: stacks, cluster, file system, bucket, logs, VPC."""

from __future__ import annotations

from typing import Any

import pytest

from bionemo_eks.configuration import names
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from ops.results import Result, Verdict
from tests.context import read_settings
from tests.ops.accounts import GIVEN_VPC, one, results_in
from tests.ops.reading import commands, figures, proposed
from tests.simulated.accounts import standing
from tests.simulated.answers import file_system, stacked
from tests.simulated.aws import denied, error


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("CREATE_FAILED", ["npx cdk destroy Cluster"]),
        ("DELETE_FAILED", ["./bionemo leftovers --delete", "npx cdk destroy Cluster"]),
        ("UPDATE_FAILED", ["npx cdk rollback Cluster"]),
        ("UPDATE_ROLLBACK_FAILED", ["npx cdk rollback Cluster"]),
        (
            "IMPORT_ROLLBACK_FAILED",
            [
                "aws cloudformation delete-stack --region us-west-2 "
                "--stack-name bionemo-on-eks-cluster"
            ],
        ),
        ("UPDATE_IN_PROGRESS", ["./bionemo status --watch"]),
        ("DELETE_IN_PROGRESS", ["./bionemo status --watch"]),
    ],
)
def test_a_stack_that_cannot_be_deployed_to_says_how_to_fix_it(
    status: str, remedy: list[str]
) -> None:
    answer = stacked(("network", "CREATE_COMPLETE"), ("cluster", status))
    result = one("Stacks", {}, cloudformation__describe_stacks=answer)
    assert result.verdict is Verdict.FAIL
    assert "bionemo-on-eks-cluster" in result.said
    assert status in result.said
    assert commands(result) == remedy
    assert "network" not in result.said


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_a_failed_creation_is_recreated_by_cdk(status: str) -> None:
    answer = stacked(("network", "CREATE_COMPLETE"), ("cluster", status))
    result = one("Stacks", {}, cloudformation__describe_stacks=answer)
    assert (result.verdict, result.remedy) == (Verdict.WARN, ())
    assert "bionemo-on-eks-cluster" in result.said
    assert status in result.said
    answer = stacked(("storage", "UPDATE_FAILED"), ("cluster", status))
    worse = one("Stacks", {}, cloudformation__describe_stacks=answer)
    assert worse.verdict is Verdict.FAIL
    assert "cluster" not in worse.said


def test_an_unexecuted_change_set_is_no_stack_yet() -> None:
    answer = stacked(("cluster", "REVIEW_IN_PROGRESS"))
    result = one("Stacks", {}, cloudformation__describe_stacks=answer)
    assert result == one("Stacks", {})
    answer = stacked(("network", "CREATE_COMPLETE"), ("cluster", "REVIEW_IN_PROGRESS"))
    result = one("Stacks", {}, cloudformation__describe_stacks=answer)
    assert (result.verdict, figures(result.said)) == (Verdict.PASS, [1])


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_exists_can_be_updated(status: str) -> None:
    result = one("Stacks", {}, cloudformation__describe_stacks=stacked(("cluster", status)))
    assert result.verdict is Verdict.PASS


def test_a_deleted_stack_is_ignored() -> None:
    answer = stacked(("cluster", "DELETE_COMPLETE"))
    result = one("Stacks", {}, cloudformation__describe_stacks=answer)
    assert result == one("Stacks", {})


def test_stacks_of_another_deployment_are_ignored() -> None:
    answer = stacked(("cluster", "ROLLBACK_FAILED"), cluster="bionemo-on-eks-2")
    result = one("Stacks", {}, cloudformation__describe_stacks=answer)
    assert result == one("Stacks", {})


def test_the_stacks_are_read_once_for_all_checks() -> None:
    asked: list[Any] = []

    def answer(**arguments: Any) -> dict[str, Any]:
        asked.append(arguments)
        none: dict[str, Any] = stacked()(**arguments)
        return none

    one("Stacks", {}, cloudformation__describe_stacks=answer)
    assert asked == [{}]


def test_a_file_system_cannot_shrink() -> None:
    systems = {"FileSystems": [file_system(StorageCapacity=4800)]}
    result = one("File system", {}, standing(), fsx__describe_file_systems=systems)
    assert result.verdict is Verdict.FAIL
    assert figures(result.said) == [4800, 2400]
    assert proposed(result) == {"storage.capacity_gib": "4800"}
    for fits in (proposed(result), {"storage.capacity_gib": "7200"}):
        again = one("File system", fits, standing(), fsx__describe_file_systems=systems)
        assert again.verdict is Verdict.PASS


def test_a_file_system_in_another_zone_would_be_replaced() -> None:
    result = results_in("an existing deployment in another zone")["File system"]
    assert result.verdict is Verdict.FAIL
    assert "us-west-2a" in result.said
    assert "us-west-2b" in result.said
    assert commands(result) == ["npx cdk destroy --all"]
    assert proposed(result) == {"gpu.availability_zone": "us-west-2a"}


def larger_with_storage(status: str) -> Result:
    """The result for our file system, larger than wanted, with the Storage stack in `status`."""
    return one(
        "File system",
        {},
        fsx__describe_file_systems={"FileSystems": [file_system(StorageCapacity=4800)]},
        cloudformation__describe_stacks=stacked(("storage", status)),
    )


def test_a_file_system_without_its_stack_is_left_over_and_not_judged() -> None:
    """The new deployment creates another one, of any size and zone."""
    for status in ("DELETE_COMPLETE", "ROLLBACK_COMPLETE"):
        result = larger_with_storage(status)
        assert result.verdict is Verdict.WARN
        assert "fs-0123456789abcdef0" in result.said
        assert commands(result) == ["./bionemo leftovers"]


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "UPDATE_IN_PROGRESS"])
def test_a_file_system_still_belongs_to_a_stack_whose_update_failed(status: str) -> None:
    result = larger_with_storage(status)
    assert (result.verdict, figures(result.said)) == (Verdict.FAIL, [4800, 2400])


def test_a_file_system_that_cdk_deletes_first_is_not_judged() -> None:
    result = larger_with_storage("ROLLBACK_FAILED")
    assert result == one("File system", {})


def test_a_file_system_that_is_being_deleted_is_ignored() -> None:
    systems = {"FileSystems": [file_system(StorageCapacity=4800, Lifecycle="DELETING")]}
    for account in (None, standing()):
        result = one("File system", {}, account, fsx__describe_file_systems=systems)
        assert result == one("File system", {})


OTHER = {"Key": DEPLOYMENT_TAG, "Value": "bionemo-on-eks-2"}


def test_another_projects_file_system_is_ignored() -> None:
    systems = {"FileSystems": [file_system(Tags=[OTHER], StorageCapacity=4800)]}
    result = one("File system", {}, fsx__describe_file_systems=systems)
    assert result == one("File system", {})


def test_a_cluster_that_these_stacks_did_not_make_is_in_the_way() -> None:
    result = one("Cluster name", {}, eks__list_clusters={"clusters": ["bionemo-on-eks"]}, **VERSION)
    assert result.verdict is Verdict.FAIL
    assert set(proposed(result)) == {"cluster_name"}


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_a_cluster_is_in_the_way_of_a_stack_that_holds_nothing(status: str) -> None:
    result = one(
        "Cluster name",
        {},
        eks__list_clusters={"clusters": ["bionemo-on-eks"]},
        cloudformation__describe_stacks=stacked(("cluster", status)),
        **VERSION,
    )
    assert result.verdict is Verdict.FAIL


VERSION: dict[str, Any] = {"eks__describe_cluster": {"cluster": {"version": "1.35"}}}


# States of a stack whose resources are its own, whatever became of its last change.
IN_PLACE = [
    ("CREATE_COMPLETE", Verdict.PASS),
    ("UPDATE_FAILED", Verdict.PASS),
    ("UPDATE_ROLLBACK_FAILED", Verdict.PASS),
    ("UPDATE_IN_PROGRESS", Verdict.PASS),
]


def test_a_bucket_from_before_is_taken_over_only_if_it_is_to_be_kept() -> None:
    """CloudFormation imports automatically only what has DeletionPolicy Retain."""
    bucket: dict[str, Any] = {"s3__head_bucket": {}}
    kept = one("Bucket name", {}, **bucket)
    assert kept.verdict is Verdict.PASS
    refused = one("Bucket name", {"storage.keep_bucket": "false"}, **bucket)
    assert refused.verdict is Verdict.FAIL
    assert proposed(refused) == {"storage.keep_bucket": "true"}
    kept = one("Bucket name", {"storage.keep_bucket": "false"}, standing())
    assert kept.verdict is Verdict.PASS
    for status, verdict in (*IN_PLACE, ("ROLLBACK_COMPLETE", Verdict.FAIL)):
        result = one(
            "Bucket name",
            {"storage.keep_bucket": "false"},
            cloudformation__describe_stacks=stacked(("storage", status)),
            **bucket,
        )
        assert result.verdict is verdict, status


def test_a_bucket_that_is_closed_may_be_another_accounts() -> None:
    result = one("Bucket name", {}, s3__head_bucket=denied("HeadBucket"))
    assert result.verdict is Verdict.WARN
    assert set(proposed(result)) == {"cluster_name"}


def test_a_policy_on_the_bucket_is_in_the_way_unless_storage_holds_it() -> None:
    """Accounts have automation that puts policies on buckets which have none."""
    bucket: dict[str, Any] = {"s3__head_bucket": {}, "s3__get_bucket_policy": {"Policy": "{}"}}
    for status, verdict in (*IN_PLACE, ("ROLLBACK_COMPLETE", Verdict.FAIL)):
        stacks = stacked(("storage", status))
        result = one("Bucket policy", {}, cloudformation__describe_stacks=stacks, **bucket)
        assert result.verdict is verdict, status
    without = error("GetBucketPolicy", "NoSuchBucketPolicy", 404)
    assert one("Bucket policy", {}, **bucket | {"s3__get_bucket_policy": without}).remedy == ()


def test_a_policy_that_may_not_be_read_is_unknown() -> None:
    closed: dict[str, Any] = {"s3__get_bucket_policy": denied("GetBucketPolicy")}
    assert one("Bucket policy", {}, **closed).verdict is Verdict.UNKNOWN


def groups(*existing: str) -> Any:
    def answer(logGroupNamePrefix: str, **more: Any) -> dict[str, Any]:
        listed = [name for name in existing if name.startswith(logGroupNamePrefix)]
        return {"logGroups": [{"logGroupName": name} for name in listed]}

    return answer


def test_old_log_groups_conflict_while_their_stack_does_not_exist() -> None:
    name = names.control_plane_log_group(read_settings({}))
    result = one("Log groups", {}, logs__describe_log_groups=groups(name))
    assert result.verdict is Verdict.FAIL
    assert name in result.said
    assert commands(result) == ["./bionemo leftovers --delete"]
    without_resources = [("ROLLBACK_COMPLETE", Verdict.FAIL), ("REVIEW_IN_PROGRESS", Verdict.FAIL)]
    for status, verdict in (*IN_PLACE, *without_resources):
        again = one(
            "Log groups",
            {},
            logs__describe_log_groups=groups(name),
            cloudformation__describe_stacks=stacked(("cluster", status)),
        )
        assert again.verdict is verdict, status


def test_a_longer_name_is_another_log_group() -> None:
    name = names.control_plane_log_group(read_settings({}))
    result = one("Log groups", {}, logs__describe_log_groups=groups(f"{name}-2"))
    assert result.verdict is Verdict.PASS


def test_a_given_vpc_must_exist() -> None:
    def vpcs(Filters: list[dict[str, Any]]) -> dict[str, Any]:
        assert Filters == [{"Name": "vpc-id", "Values": [GIVEN_VPC["network.vpc_id"]]}]
        return {"Vpcs": []}

    assert one("VPC", GIVEN_VPC, ec2__describe_vpcs=vpcs).verdict is Verdict.FAIL
