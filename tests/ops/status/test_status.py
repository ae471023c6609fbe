"""status: what exists, what is in progress, what is wrong, what is unknown."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes import client as kubernetes
from rich.console import Console

from bionemo_eks.configuration import names
from ops.commands.status import status_of
from ops.show.status import show_status
from ops.status import status
from ops.status.lines import Line
from tests.ops.cluster_api import GPU, NODES, Cluster, node
from tests.ops.reading import figures, in_order
from tests.ops.status.deployments import (
    associations,
    in_turn,
    in_two_pages,
    metrics,
    nodegroup,
    stacked,
    standing,
    without,
)
from tests.simulated.accounts import simulated_deployment
from tests.simulated.answers import file_system
from tests.simulated.aws import Answers, denied, error
from tests.simulated.capacity import BLOCK, block, reserved

SOON, LATER = (datetime.now(UTC) + timedelta(hours=each) for each in (0.5, 100))


def lines(answers: Answers, **settings: str) -> dict[str, list[Line]]:
    by_part: dict[str, list[Line]] = {}
    changes = {key.replace("__", "."): value for key, value in settings.items()}
    for line in status(simulated_deployment(changes, answers)):
        by_part.setdefault(line.part, []).append(line)
    return by_part


def flat(shown: dict[str, list[Line]]) -> list[Line]:
    return [line for part in shown.values() for line in part]


def test_status_reports_everything_that_exists(api: kubernetes.ApiClient) -> None:
    shown = lines(standing(api.configuration.host))
    assert [line.good for line in shown["Stacks"]] == [True] * 6
    (group,) = shown["Node groups"]
    assert in_order(group.state, "ACTIVE", "p4d.24xlarge")
    assert figures(group.state) == [2, 2, 2, 16, 16], "wanted, at most, ready; GPUs present, in all"
    assert group.good is True
    (system,) = shown["Storage"]
    assert in_order(system.state, "AVAILABLE", "2,400", "2,000"), "size, free space"
    link, queue = shown["S3 links"]
    assert link.name == "/processed"
    assert in_order(link.state, "AVAILABLE", "s3://a-bucket/processed")
    assert (queue.good, queue.unsettled) == (None, False)
    (task,) = shown["Data tasks"]
    assert in_order(task.state, "IMPORT_METADATA_FROM_REPOSITORY", "SUCCEEDED")
    (data,) = shown["Data set"]
    assert (data.name, data.good) == ("processed/_SUCCESS", True)
    assert figures(data.state) == [2], "files"
    (checkpoint,) = shown["Checkpoints"]
    assert checkpoint.name == "esm1nv-train/a/new.ckpt"
    assert in_order(checkpoint.state, "2", "2026-11-24")
    assert status_of(flat(shown)) == 0


def test_what_is_on_the_second_page_is_reported_too(api: kubernetes.ApiClient) -> None:
    host = api.configuration.host
    assert lines(in_two_pages(host)) == lines(standing(host))


def test_changes_waiting_for_export_are_reported_and_not_wrong() -> None:
    shown = lines(standing(cloudwatch__get_metric_statistics=metrics(5087.0)))
    queue = shown["S3 links"][-1]
    assert figures(queue.state) == [5087], "seconds"
    assert (queue.good, queue.unsettled) == (None, False)


@pytest.mark.parametrize("waited", [0.0, 40.0, None])
def test_a_file_of_the_data_set_that_is_not_in_the_bucket_is_wrong_unless_changes_wait(
    waited: float | None,
) -> None:
    answers = standing(
        s3__list_objects_v2=without("val/x000.csv"),
        cloudwatch__get_metric_statistics=metrics(waited),
    )
    (line,) = lines(answers)["Data set"]
    assert in_order(line.state, "1", "2", "processed/val/x000.csv")
    assert (line.good, line.unsettled) == ((None, True) if waited else (False, False))


def test_an_incomplete_data_set_is_not_wrong() -> None:
    (line,) = lines(standing(s3__list_objects_v2=without("_SUCCESS")))["Data set"]
    assert (line.good, line.unsettled) == (None, False)
    assert in_order(line.state, "no", "_SUCCESS")


def test_a_link_that_does_not_work_is_wrong() -> None:
    broken = associations(Filters=[{"Name": "file-system-id", "Values": ["fs-0123456789abcdef0"]}])
    broken["Associations"][0]["Lifecycle"] = "MISCONFIGURED"
    shown = lines(
        standing(
            fsx__describe_data_repository_associations=broken,
            cloudwatch__get_metric_statistics=metrics(None),
        )
    )
    (link,) = shown["S3 links"]
    assert link.good is False


def test_nodes_that_are_not_ready_are_counted_by_their_group(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    elsewhere = {**GPU, "eks.amazonaws.com/nodegroup": "another"}
    cluster.lists[NODES] = [
        node("gpu-0", GPU, gpus=8),
        node("gpu-1", GPU, ready=False),
        node("other", elsewhere, gpus=8),
    ]
    (group,) = lines(standing(api.configuration.host))["Node groups"]
    assert figures(group.state) == [2, 2, 1, 8, 16]
    assert (group.good, group.unsettled) == (None, True)


def test_without_the_clusters_api_readiness_is_unknown() -> None:
    shown = lines(standing())
    (group,) = shown["Node groups"]
    assert figures(group.state) == [2, 2, 16], "wanted, at most; GPUs"
    (silent,) = shown["Workload"]
    assert in_order(silent.state, "https://127.0.0.1:9")
    assert status_of(flat(shown)) == 1


def test_a_degraded_node_group_is_wrong_with_its_issue() -> None:
    issue = {"code": "AsgInstanceLaunchFailures", "message": "no p4d"}
    answer = nodegroup(status="DEGRADED", health={"issues": [issue]})
    shown = lines(standing(eks__describe_nodegroup=answer))
    (group,) = shown["Node groups"]
    assert in_order(group.state, "DEGRADED", "no p4d")
    assert group.good is False
    assert status_of(flat(shown)) == 2


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"cloudformation__describe_stacks": stacked("CREATE_IN_PROGRESS")}, "Stacks"),
        ({"cloudformation__describe_stacks": stacked("UPDATE_IN_PROGRESS")}, "Stacks"),
        ({"cloudformation__describe_stacks": stacked("DELETE_IN_PROGRESS")}, "Stacks"),
        ({"eks__describe_cluster": {"cluster": {"status": "CREATING"}}}, "Cluster"),
        ({"eks__describe_nodegroup": nodegroup(status="CREATING")}, "Node groups"),
        (
            {"eks__describe_addon": {"addon": {"status": "CREATING", "addonVersion": "v1"}}},
            "Add-ons",
        ),
        (
            {"fsx__describe_file_systems": {"FileSystems": [file_system(Lifecycle="CREATING")]}},
            "Storage",
        ),
    ],
)
def test_work_in_progress_is_not_wrong(changes: dict[str, Any], part: str) -> None:
    shown = lines(standing(**changes))
    assert {(line.good, line.unsettled) for line in shown[part]} == {(None, True)}
    assert status_of(flat(shown)) == 1


@pytest.mark.parametrize(
    ("states", "judged", "status"),
    [
        (("SUCCEEDED",), (True,), 0),
        (("FAILED",), (False,), 2),
        (("FAILED", "SUCCEEDED"), (True, None), 0),
        (("SUCCEEDED", "FAILED"), (False, None), 2),
        (("CANCELED",), (False,), 2),
        (("PENDING",), (None,), 1),
        (("EXECUTING",), (None,), 1),
        (("CANCELING",), (None,), 1),
        (("FAILED", "EXECUTING", "PENDING"), (None, None, None), 1),
        (("FAILED", *["SUCCEEDED"] * 5), (True, None, None, None, None), 0),
    ],
)
def test_the_newest_task_is_judged_and_one_under_way_is_unsettled(
    states: tuple[str, ...], judged: tuple[bool | None, ...], status: int
) -> None:
    shown = lines(standing(fsx__describe_data_repository_tasks=in_turn(*states)))["Data tasks"]
    assert tuple(line.good for line in shown) == judged
    assert status_of(shown) == status


def test_a_node_group_whose_launch_template_has_the_instance_type_is_reported(
    api: kubernetes.ApiClient,
) -> None:
    answer = nodegroup(instanceTypes=None)
    (group,) = lines(standing(api.configuration.host, eks__describe_nodegroup=answer))[
        "Node groups"
    ]
    assert (figures(group.state), group.good) == ([2, 2, 2], True)


@pytest.mark.parametrize(
    "status",
    ["ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"],
)
def test_a_stack_that_failed_is_wrong(status: str) -> None:
    shown = lines(standing(cloudformation__describe_stacks=stacked(status, "Cluster")))
    line = next(each for each in shown["Stacks"] if each.state == status)
    assert line.good is False


def with_only(stacks: dict[str, Any]) -> Answers:
    """AWS with these stacks, and nothing that the others would create."""
    missing = error("DescribeCluster", "ResourceNotFoundException", 404)
    return standing(
        cloudformation__describe_stacks=stacks,
        eks__describe_cluster=missing,
        eks__list_nodegroups=missing,
        eks__list_addons=missing,
        fsx__describe_file_systems={"FileSystems": []},
        s3__list_objects_v2=error("ListObjectsV2", "NoSuchBucket", 404),
    )


def test_a_missing_stack_is_not_wrong_while_others_are_created() -> None:
    shown = flat(lines(with_only(stacked("CREATE_IN_PROGRESS", "Network"))))
    assert status_of(shown) == 1
    assert sum(line.unsettled for line in shown) >= 9


def test_without_a_deployment_everything_is_reported_missing() -> None:
    shown = lines(with_only({"Stacks": []}))
    parts = ("Stacks", "Cluster", "Node groups", "Add-ons", "Storage", "Workload")
    for part in (*parts, "Data set", "Checkpoints"):
        assert {line.good for line in shown[part]} == {False}, part
    assert status_of(flat(shown)) == 2


def test_with_a_vpc_given_there_is_no_network_stack_to_miss() -> None:
    others = [stack for stack in names.STACKS if stack != "Network"]
    answers = standing(cloudformation__describe_stacks=stacked("CREATE_COMPLETE", *others))
    shown = lines(answers, network__vpc_id="vpc-0123456789abcdef0")
    assert [line.good for line in shown["Stacks"]] == [True] * 5


def test_a_missing_permission_hides_nothing_else() -> None:
    shown = flat(lines(standing(eks__list_addons=denied("ListAddons"))))
    (line,) = [each for each in shown if each.part == "Add-ons"]
    assert (line.good, line.unsettled) == (None, True)
    assert in_order(line.state, "ListAddons")
    assert sum(line.good is True for line in shown) >= 8


def test_an_unexpected_answer_hides_nothing_else() -> None:
    shown = flat(lines(standing(eks__describe_addon={"addon": {}})))
    (line,) = [each for each in shown if each.part == "Add-ons"]
    assert "KeyError" in line.state
    assert sum(line.good is True for line in shown) >= 8


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal(width: int, api: kubernetes.ApiClient) -> None:
    out = io.StringIO()
    shown = status(simulated_deployment({}, standing(api.configuration.host)))
    show_status(Console(file=out, width=width), shown)
    assert max(len(line) for line in out.getvalue().splitlines()) <= width


@pytest.mark.parametrize(
    ("row", "exit_status", "words"),
    [
        ({}, 0, ["active", "ends", "the training is suspended at"]),
        ({"State": "scheduled", "StartDate": LATER}, 1, ["scheduled", "begins", "ends"]),
        ({"EndDate": SOON}, 2, ["active", "ends", "has been suspended", "preflight --offers"]),
    ],
)
def test_a_capacity_block_is_reported_with_its_end(
    row: dict[str, Any], exit_status: int, words: list[str]
) -> None:
    answer = reserved(block(**{"EndDate": LATER, **row}))
    answers = standing() | {"ec2.describe_capacity_reservations": answer}
    shown = lines(answers, **{k.replace(".", "__"): v for k, v in BLOCK.items()})
    (line,) = shown["Capacity Block"]
    assert line.name == BLOCK["gpu.capacity_reservation_id"]
    assert in_order(line.state, *words)
    assert status_of([line]) == exit_status


def test_nodes_in_a_capacity_block_are_reported_by_their_type() -> None:
    """EKS does not report a type that is in the launch template."""
    group = nodegroup(capacityType="CAPACITY_BLOCK", instanceTypes=None)
    settings = {k.replace(".", "__"): v for k, v in BLOCK.items()}
    (line,) = lines(standing(eks__describe_nodegroup=group), **settings)["Node groups"]
    assert "p4d.24xlarge" in line.state
