"""The status on one screen, how far the training is, and what it has cost."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes import client as kubernetes
from rich.console import Console

from bionemo_eks.configuration.workload import Position
from ops.show.status import show_summary
from ops.status import status
from ops.status.lines import Line
from ops.status.workload import position
from tests.ops.cluster_api import PODS, Cluster, pod
from tests.ops.status.deployments import GROUP, nodegroup, stacked, standing
from tests.simulated.accounts import simulated_deployment
from tests.simulated.aws import Answers, denied

BAR = (
    "Epoch 0:   1%|          | 12795/1000000 [9:07:58<878:01:48,  3.25it/s, v_num=, "
    "reduced_train_loss=3.090, global_step=1.28e+4, consumed_samples=1.63e+6]\n"
)


def full(host: str) -> Answers:
    """A deployment with everything that it has in AWS, and as many tasks as are shown."""
    made = datetime(2026, 11, 1, tzinfo=UTC)
    gpu = nodegroup()(clusterName="bionemo-on-eks", nodegroupName=GROUP)
    core = nodegroup(
        scalingConfig={"desiredSize": 3, "maxSize": 9, "minSize": 3}, instanceTypes=["m5.xlarge"]
    )(clusterName="bionemo-on-eks", nodegroupName=GROUP)
    groups = {"bionemo-on-eks-core-1": core, GROUP: gpu}
    return standing(
        host,
        eks__list_addons={"addons": [f"addon-{n}" for n in range(8)]},
        eks__list_nodegroups={"nodegroups": [*groups]},
        eks__describe_nodegroup=lambda nodegroupName, **more: groups[nodegroupName],
        fsx__describe_data_repository_associations={
            "Associations": [
                {
                    "FileSystemPath": f"/{name}",
                    "DataRepositoryPath": f"s3://bionemo-on-eks-111122223333-us-west-2/{name}",
                    "Lifecycle": "AVAILABLE",
                }
                for name in ("processed", "esm1nv-train", "esm2-train")
            ]
        },
        fsx__describe_data_repository_tasks={
            "DataRepositoryTasks": [
                {
                    "TaskId": f"task-0123456789abcdef{n}",
                    "Lifecycle": "SUCCEEDED",
                    "Type": "EXPORT_TO_REPOSITORY",
                    "CreationTime": made + timedelta(days=n),
                }
                for n in range(5)
            ]
        },
    )


def shown(lines: Sequence[Line], width: int) -> str:
    out = io.StringIO()
    show_summary(Console(file=out, width=width), lines, "bionemo-on-eks")
    return out.getvalue()


def states(answers: Answers, **settings: Any) -> list[Line]:
    return status(simulated_deployment(settings, answers))


def test_the_summary_fits_a_screen_of_24_rows_with_the_verdict(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.logs["esm1nv-pretraining-worker-0"] = BAR
    text = shown(states(full(api.configuration.host)), 80)
    rows = text.splitlines()
    assert len(rows) <= 24 - 3, text
    assert max(map(len, rows)) <= 80
    flat = " ".join(text.split())
    for each in ("6 CREATE_COMPLETE", "8 ACTIVE", "3 AVAILABLE", "gpu-1: ACTIVE", "16 Running"):
        assert each in flat
    assert "step 12,800 of 1,000,000, 3.25 steps/s, 3 d 12 h left, loss 3.09" in flat


def test_forty_columns_are_enough(api: kubernetes.ApiClient) -> None:
    text = shown(states(full(api.configuration.host)), 40)
    rows = text.splitlines()
    assert max(map(len, rows)) <= 40
    assert {"Stacks", "Node groups", "Workload", "Cost"} <= set(rows), "each above what is in it"
    assert "6 CREATE_COMPLETE" in text


def test_one_failed_stack_among_many_is_named(api: kubernetes.ApiClient) -> None:
    answers = full(api.configuration.host)
    stacks = stacked("UPDATE_COMPLETE")
    stacks["Stacks"][2]["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
    text = shown(states(answers | {"cloudformation.describe_stacks": stacks}), 80)
    assert "5 UPDATE_COMPLETE" in text
    assert "cluster: UPDATE_ROLLBACK_FAILED" in text


def test_workers_that_wait_are_reported(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    of_training = {"training.kubeflow.org/job-name": "esm1nv-pretraining"}
    cluster.lists[PODS] = [pod("w", of_training, "Pending", waiting="ImagePullBackOff")]
    text = shown(states(full(api.configuration.host)), 80)
    assert "workers: 1 ImagePullBackOff; 0 restarts" in text


@pytest.mark.parametrize(
    ("at", "ending"),
    [
        (Position(20), "step 20 of 1,000"),
        (Position(1000, 2.0, 0.5), "step 1,000 of 1,000, 2 steps/s, loss 2"),
        (Position(500, None, 4.0), "step 500 of 1,000, 0.25 steps/s, 33 min left"),
        (Position(0, 9.87654, 60.0), "16 h 40 min left, loss 9.877"),
        (Position(0, None, 600.0), "6 d 22 h left"),
    ],
)
def test_progress_shows_step_speed_time_left_and_loss(at: Position, ending: str) -> None:
    assert position(at, 1000).endswith(ending)


def since(hours: float) -> dict[str, Any]:
    """Stacks, the oldest created this long ago."""
    stacks = stacked("CREATE_COMPLETE")
    now = datetime.now(UTC)
    for number, each in enumerate(stacks["Stacks"]):
        each["CreationTime"] = now - timedelta(hours=hours - number / 100)
    return stacks


def cost_of(answers: Answers, **settings: Any) -> str:
    (line,) = [each for each in states(answers, **settings) if each.part == "Cost"]
    assert not line.unsettled, "not a fault of the deployment"
    return line.state


def test_dollars_so_far_are_those_of_hours_and_gpu_nodes() -> None:
    """By the hour: EKS $0.10, three m5.xlarge, NAT and so on; the GPU nodes $21.96 each.

    And, with the GPU nodes, two or three dollars for their images through NAT and for checkpoints.
    """

    def answers(points: int) -> Answers:
        return standing(
            cloudformation__describe_stacks=since(10.0),
            cloudwatch__get_metric_statistics={"Datapoints": [{"Average": 90.0}] * points},
        )

    with_nodes, without = (
        float(cost_of(answers(points)).split("$")[1].split()[0]) for points in (4, 0)
    )
    assert 4 * 2 * 21.96 < with_nodes - without < 4 * 2 * 21.96 + 3
    assert 8 < without < 40
    assert "in 10.0 h, GPU nodes for 4 h" in cost_of(answers(4))


def test_without_cloudwatch_the_cost_is_unknown_and_nothing_is_wrong() -> None:
    answers = standing(cloudwatch__get_metric_statistics=denied("GetMetricStatistics"))
    assert "GetMetricStatistics" in cost_of(answers)


def test_without_a_stack_nothing_is_paid_for() -> None:
    answers = standing(cloudformation__describe_stacks={"Stacks": []})
    assert not [each for each in states(answers) if each.part == "Cost"]
