"""status: what stands, what is under way, what is wrong, what could not be told."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes import client as kubernetes
from rich.console import Console

from bionemo_eks.configuration import names
from ops.commands.status import status_of
from ops.show.status import show_status
from ops.status import status
from ops.status.lines import Line
from tests.context import read_settings
from tests.ops.cluster.test_api import described
from tests.ops.cluster_api import GPU, NODES, Cluster, node
from tests.simulated.accounts import simulated_deployment
from tests.simulated.answers import WHEN, file_system
from tests.simulated.aws import ACCOUNT, Answers, denied, error, in_pages

GROUP = GPU["eks.amazonaws.com/nodegroup"]


def stacked(status: str, *of: str) -> dict[str, Any]:
    return {
        "Stacks": [
            {
                "StackName": names.stack_name(read_settings({}), stack),
                "StackStatus": status,
                "CreationTime": WHEN,
            }
            for stack in of or names.STACKS
        ]
    }


def nodegroup(**changes: Any) -> Any:
    about = {
        "status": "ACTIVE",
        "scalingConfig": {"desiredSize": 2, "maxSize": 2, "minSize": 0},
        "instanceTypes": ["p3.16xlarge"],
    }

    def answer(clusterName: str, nodegroupName: str) -> dict[str, Any]:
        assert (clusterName, nodegroupName) == ("bionemo-on-eks", GROUP)
        shown = {key: value for key, value in {**about, **changes}.items() if value is not None}
        return {"nodegroup": shown}

    return answer


def tasks(Filters: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    assert Filters == [{"Name": "file-system-id", "Values": ["fs-0123456789abcdef0"]}]
    about = {"Type": "IMPORT_METADATA_FROM_REPOSITORY", "CreationTime": WHEN}
    return {
        "DataRepositoryTasks": [{"TaskId": "task-1234567890", "Lifecycle": "SUCCEEDED"} | about]
    }


def in_turn(*states: str) -> dict[str, Any]:
    """Data repository tasks, the oldest first."""
    return {
        "DataRepositoryTasks": [
            {
                "TaskId": f"task-0000000000000000{n}",
                "Lifecycle": state,
                "Type": "EXPORT_TO_REPOSITORY",
                "CreationTime": datetime(2026, 11, 1 + n, tzinfo=UTC),
            }
            for n, state in enumerate(states)
        ]
    }


def associations(Filters: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    assert Filters == [{"Name": "file-system-id", "Values": ["fs-0123456789abcdef0"]}]
    return {
        "Associations": [
            {
                "AssociationId": "dra-0123456789abcdef0",
                "FileSystemPath": "/processed",
                "DataRepositoryPath": "s3://a-bucket/processed",
                "Lifecycle": "AVAILABLE",
            }
        ]
    }


def metrics(waited: float | None = 0.0) -> Any:
    """Free space, and how long the oldest change has waited for its export."""

    def answer(Dimensions: list[dict[str, str]], MetricName: str, **more: Any) -> Any:
        named = {each["Name"]: each["Value"] for each in Dimensions}
        assert named.pop("FileSystemId") == "fs-0123456789abcdef0"
        if MetricName == "AgeOfOldestQueuedMessage":
            assert named == {"Publisher": "AutoExport"}
            point = {"Timestamp": WHEN, "Maximum": waited}
            return {"Datapoints": [] if waited is None else [point]}
        assert (MetricName, named) == ("FreeDataStorageCapacity", {})
        return {"Datapoints": [{"Timestamp": WHEN, "Sum": 2000 * 2.0**30}]}

    return answer


def objects(Bucket: str, Prefix: str, **more: Any) -> dict[str, Any]:
    assert Bucket == "bionemo-on-eks-111122223333-us-west-2"
    assert Prefix == "esm1nv-train/"
    when = datetime(2026, 11, 24, tzinfo=UTC)
    return {
        "Contents": [
            {"Key": "esm1nv-train/a/old.ckpt", "LastModified": WHEN},
            {"Key": "esm1nv-train/a/new.ckpt", "LastModified": when},
            {"Key": "esm1nv-train/a/log.txt", "LastModified": datetime(2027, 1, 1, tzinfo=UTC)},
        ]
    }


def standing(endpoint: str = "https://127.0.0.1:9", **changes: Any) -> Answers:
    """AWS' side of a deployment that stands."""
    answers: Answers = {
        **described(endpoint),
        "cloudformation.describe_stacks": stacked("CREATE_COMPLETE"),
        "eks.list_nodegroups": {"nodegroups": [GROUP]},
        "eks.describe_nodegroup": nodegroup(),
        "eks.list_addons": {"addons": ["coredns"]},
        "eks.describe_addon": {"addon": {"status": "ACTIVE", "addonVersion": "v1"}},
        "fsx.describe_file_systems": {
            "FileSystems": [
                file_system(),
                {"FileSystemId": "fs-0000000000000000f", "Lifecycle": "FAILED"},
            ]
        },
        "fsx.describe_data_repository_tasks": tasks,
        "fsx.describe_data_repository_associations": associations,
        "cloudwatch.get_metric_statistics": metrics(),
        "s3.list_objects_v2": objects,
    }
    return answers | {key.replace("__", "."): value for key, value in changes.items()}


def in_two_pages(endpoint: str) -> Answers:
    """The same, where what counts is on AWS' second page."""
    other = {"FileSystemId": "fs-0000000000000000f", "Lifecycle": "FAILED"}
    stacks = stacked("CREATE_COMPLETE")["Stacks"]
    checkpoints = objects(names.bucket_name(read_settings({}), ACCOUNT), "esm1nv-train/")
    old, new, log = checkpoints["Contents"]
    return standing(
        endpoint,
        cloudformation__describe_stacks=in_pages("Stacks", stacks[:2], stacks[2:]),
        eks__list_nodegroups=in_pages("nodegroups", [], [GROUP], token="nextToken"),
        eks__list_addons=in_pages("addons", [], ["coredns"], token="nextToken"),
        fsx__describe_file_systems=in_pages("FileSystems", [other], [file_system()]),
        s3__list_objects_v2=in_pages(
            "Contents",
            [old, log],
            [new],
            token="NextContinuationToken",
            asked="ContinuationToken",
            IsTruncated=True,
        ),
    )


def lines(answers: Answers, **settings: str) -> dict[str, list[Line]]:
    by_part: dict[str, list[Line]] = {}
    changes = {key.replace("__", "."): value for key, value in settings.items()}
    for line in status(simulated_deployment(changes, answers)):
        by_part.setdefault(line.part, []).append(line)
    return by_part


def flat(found: dict[str, list[Line]]) -> list[Line]:
    return [line for part in found.values() for line in part]


def test_status_tells_of_everything_that_stands(api: kubernetes.ApiClient) -> None:
    found = lines(standing(api.configuration.host))
    assert [line.good for line in found["Stacks"]] == [True] * 6
    (group,) = found["Node groups"]
    said = "ACTIVE, 2 of at most 2 p3.16xlarge, 2 ready, 16 of 16 GPUs allocatable"
    assert (group.state, group.good) == (said, True)
    (system,) = found["Storage"]
    assert system.state == "AVAILABLE, 2,400 GiB, 2,000 GiB free"
    link, queue = found["S3 links"]
    assert (link.name, link.state) == ("/processed", "AVAILABLE, s3://a-bucket/processed")
    assert queue.state == "nothing waits"
    (task,) = found["Data tasks"]
    assert task.state == "IMPORT_METADATA_FROM_REPOSITORY: SUCCEEDED"
    (checkpoint,) = found["Checkpoints"]
    assert checkpoint.name == "esm1nv-train/a/new.ckpt"
    assert checkpoint.state.startswith("2 in the bucket, newest of 2026-11-24")
    assert status_of(flat(found)) == 0


def test_what_is_on_the_second_page_is_told_of_too(api: kubernetes.ApiClient) -> None:
    host = api.configuration.host
    assert lines(in_two_pages(host)) == lines(standing(host))


def test_what_waits_for_its_export_is_told_and_is_nothing_wrong() -> None:
    found = lines(standing(cloudwatch__get_metric_statistics=metrics(5087.0)))
    queue = found["S3 links"][-1]
    assert queue.state == "the oldest change has waited 5,087 s"
    assert (queue.good, queue.unsettled) == (None, False)


def test_a_link_that_does_not_work_is_wrong() -> None:
    broken = associations(Filters=[{"Name": "file-system-id", "Values": ["fs-0123456789abcdef0"]}])
    broken["Associations"][0]["Lifecycle"] = "MISCONFIGURED"
    found = lines(
        standing(
            fsx__describe_data_repository_associations=broken,
            cloudwatch__get_metric_statistics=metrics(None),
        )
    )
    (link,) = found["S3 links"]
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
    assert group.state.endswith("1 ready, 8 of 16 GPUs allocatable")
    assert (group.good, group.unsettled) == (None, True)


def test_without_the_clusters_api_readiness_is_unknown() -> None:
    found = lines(standing())
    (group,) = found["Node groups"]
    assert group.state == "ACTIVE, 2 of at most 2 p3.16xlarge, readiness unknown, 16 GPUs"
    (silent,) = found["Workload"]
    assert silent.state.startswith("could not tell: the Kubernetes API at https://127.0.0.1:9")
    assert status_of(flat(found)) == 1


def test_a_node_group_with_trouble_says_which() -> None:
    issue = {"code": "AsgInstanceLaunchFailures", "message": "no p3"}
    answer = nodegroup(status="DEGRADED", health={"issues": [issue]})
    found = lines(standing(eks__describe_nodegroup=answer))
    (group,) = found["Node groups"]
    assert group.state.endswith("; no p3")
    assert group.good is False
    assert status_of(flat(found)) == 2


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
def test_what_is_under_way_is_not_wrong(changes: dict[str, Any], part: str) -> None:
    found = lines(standing(**changes))
    assert {(line.good, line.unsettled) for line in found[part]} == {(None, True)}
    assert status_of(flat(found)) == 1


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
    found = lines(standing(fsx__describe_data_repository_tasks=in_turn(*states)))["Data tasks"]
    assert tuple(line.good for line in found) == judged
    assert status_of(found) == status


def test_a_node_group_whose_launch_template_has_the_instance_type_is_told_of(
    api: kubernetes.ApiClient,
) -> None:
    answer = nodegroup(instanceTypes=None)
    (group,) = lines(standing(api.configuration.host, eks__describe_nodegroup=answer))[
        "Node groups"
    ]
    assert (group.state, group.good) == ("ACTIVE, 2 of at most 2 ?, 2 ready", True)


@pytest.mark.parametrize(
    "status",
    ["ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"],
)
def test_a_stack_that_failed_is_wrong(status: str) -> None:
    found = lines(standing(cloudformation__describe_stacks=stacked(status, "Cluster")))
    line = next(each for each in found["Stacks"] if each.state == status)
    assert line.good is False


def test_a_stack_that_is_not_there_yet_is_not_wrong_while_others_come() -> None:
    missing = error("DescribeCluster", "ResourceNotFoundException", 404)
    no_bucket = error("ListObjectsV2", "NoSuchBucket", 404)
    answers = standing(
        cloudformation__describe_stacks=stacked("CREATE_IN_PROGRESS", "Network"),
        eks__describe_cluster=missing,
        eks__list_nodegroups=missing,
        eks__list_addons=missing,
        fsx__describe_file_systems={"FileSystems": []},
        s3__list_objects_v2=no_bucket,
    )
    found = flat(lines(answers))
    assert status_of(found) == 1
    assert sum("not there" in line.state for line in found) >= 9


def test_without_a_deployment_everything_is_said_not_to_be_there() -> None:
    missing = error("DescribeCluster", "ResourceNotFoundException", 404)
    answers = standing(
        cloudformation__describe_stacks={"Stacks": []},
        eks__describe_cluster=missing,
        eks__list_nodegroups=missing,
        eks__list_addons=missing,
        fsx__describe_file_systems={"FileSystems": []},
        s3__list_objects_v2=error("ListObjectsV2", "NoSuchBucket", 404),
    )
    found = lines(answers)
    parts = ("Stacks", "Cluster", "Node groups", "Add-ons", "Storage", "Workload", "Checkpoints")
    for part in parts:
        assert {(line.state, line.good) for line in found[part]} == {("not there", False)}, part
    assert status_of(flat(found)) == 2


def test_with_a_vpc_given_there_is_no_network_stack_to_miss() -> None:
    others = [stack for stack in names.STACKS if stack != "Network"]
    answers = standing(cloudformation__describe_stacks=stacked("CREATE_COMPLETE", *others))
    found = lines(answers, network__vpc_id="vpc-0123456789abcdef0")
    assert [line.good for line in found["Stacks"]] == [True] * 5


def test_one_missing_permission_leaves_the_rest_standing() -> None:
    found = flat(lines(standing(eks__list_addons=denied("ListAddons"))))
    said = "could not tell: not allowed to call ListAddons"
    assert Line("Add-ons", "", said, unsettled=True) in found
    assert sum(line.good is True for line in found) >= 8


def test_an_odd_answer_leaves_the_rest_standing() -> None:
    found = flat(lines(standing(eks__describe_addon={"addon": {}})))
    (line,) = [each for each in found if each.part == "Add-ons"]
    assert "KeyError" in line.state
    assert sum(line.good is True for line in found) >= 8


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal(width: int, api: kubernetes.ApiClient) -> None:
    out = io.StringIO()
    found = status(simulated_deployment({}, standing(api.configuration.host)))
    show_status(Console(file=out, width=width), found)
    assert max(len(line) for line in out.getvalue().splitlines()) <= width
