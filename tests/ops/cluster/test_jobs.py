"""The jobs as a cluster reports them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client as kubernetes

from bionemo_eks.configuration.workload import Position
from bionemo_eks.jobs.dataset_job import DATA_JOB, dataset_objects
from bionemo_eks.jobs.places import NAMESPACE, NOTES
from bionemo_eks.jobs.training_job import launcher_objects, training_job
from bionemo_eks.jobs.workloads import WORKLOADS
from ops import verify
from ops.cluster.jobs import jobs, newest, training_state
from ops.status.workload import lines_of
from tests.context import read_settings
from tests.ops.cluster_api import (
    JOBS,
    PODS,
    PYTORCH,
    Cluster,
    condition,
    job,
    pod,
    training,
    worker,
)
from tests.ops.cluster_api import TRAINING as OF_TRAINING
from tests.ops.reading import in_order

ESM1NV = WORKLOADS["esm1nv"]

LAUNCHED = job("esm1nv-launcher-1", "esm1nv-launcher", conditions=[condition("Complete")])
PREPARED = job("uniref50-download-1", "uniref50-download", conditions=[condition("Complete")])


def test_each_job_is_reported_with_its_newest_line(api: kubernetes.ApiClient) -> None:
    seen = jobs(api, ESM1NV)
    assert (seen.data, seen.launcher, seen.training) == ("complete", "complete", "running")
    assert seen.data_line == "write: 150 files in 9.0 s"
    assert seen.training_line == "Epoch 0: 2%| 20/1000"
    assert seen.position == Position(20)
    assert seen.workers == {"Running": 16}
    assert seen.restarts == 1
    assert seen.silent == {}


def test_a_running_training_reports_no_trouble_and_no_watch(api: kubernetes.ApiClient) -> None:
    lines = lines_of(jobs(api, ESM1NV), ESM1NV, 1000)
    assert all(line.good is not False and not line.unsettled for line in lines)
    assert not any("watch" in line.name for line in lines)


def test_a_failed_data_job_and_workers_that_cannot_pull_are_reported(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    failed = [condition("Failed", "exit code 2")]
    cluster.lists[JOBS] = [job("uniref50-download-1", "uniref50-download", conditions=failed)]
    cluster.lists[PYTORCH] = [training(True)]
    cluster.lists[PODS] = [pod("w", OF_TRAINING, "Pending", waiting="ImagePullBackOff")]
    lines = {line.name: line for line in lines_of(jobs(api, ESM1NV), ESM1NV, 1000)}
    assert in_order(lines["UniRef50 data"].state, "failed", "exit code 2")
    assert in_order(lines["ESM-1nv training"].state, "suspended", "data")
    assert in_order(lines["workers"].state, "1", "ImagePullBackOff", "0")
    assert [lines[each].good for each in ("UniRef50 data", "workers")] == [False, False]


def test_a_suspended_training_says_what_it_waits_for(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    """For the data, for the launcher, or for nothing: then a person must start it."""
    cluster.lists[PYTORCH] = [training(True)]

    def state(*present: dict[str, Any]) -> str:
        cluster.lists[JOBS] = list(present)
        return jobs(api, ESM1NV).training

    for_data = state()
    for_launcher = state(PREPARED, job("esm1nv-launcher-1", "esm1nv-launcher", active=1))
    for_nothing = state(PREPARED)
    assert in_order(for_data, "suspended", "data")
    assert in_order(for_launcher, "suspended", "launcher")
    assert in_order(for_nothing, "suspended")
    assert len({for_data, for_launcher, for_nothing}) == 3
    assert state(PREPARED, LAUNCHED) == for_nothing, "it was started, and a person stopped it"


@pytest.mark.parametrize(
    ("suspended", "notes", "words"),
    [
        (True, {"stopped_why": "training.max_hours is 24"}, ("suspended", "training.max_hours")),
        (True, {"restarting": 2}, ("suspended", "about to start it again")),
        (False, {"ends_at": "2026-11-28T12:00:00Z"}, ("running", "2026-11-28T12:00:00Z")),
    ],
)
def test_the_notes_on_a_run_are_reported(
    suspended: bool,
    notes: dict[str, str],
    words: tuple[str, ...],
    api: kubernetes.ApiClient,
    cluster: Cluster,
) -> None:
    run = training(suspended, condition("Running"))
    run["metadata"]["annotations"] = {NOTES: json.dumps(notes)}
    cluster.lists |= {PYTORCH: [run], JOBS: [PREPARED, LAUNCHED]}
    assert in_order(jobs(api, ESM1NV).training, *words)


def test_a_failed_training_says_why(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    why = condition("Failed", "worker 3 has failed too often")
    cluster.lists[PYTORCH] = [training(False, condition("Created"), why)]
    line = next(
        each
        for each in lines_of(jobs(api, ESM1NV), ESM1NV, 1000)
        if each.name == "ESM-1nv training"
    )
    assert in_order(line.state, "failed", "worker 3 has failed too often")
    assert line.good is False


def test_without_the_training_operator_the_data_job_is_still_reported(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.missing = {PYTORCH}
    seen = jobs(api, ESM1NV)
    assert (seen.data, seen.training, seen.silent) == ("complete", "", {})


def test_a_failed_request_hides_no_other_part(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    cluster.missing = {JOBS}
    seen = jobs(api, ESM1NV)
    assert seen.training == "running"
    assert set(seen.silent) == {"data", "launcher"}
    lines = {line.name: line for line in lines_of(seen, ESM1NV, 1000)}
    assert lines["UniRef50 data"].unsettled
    assert lines["UniRef50 data"].good is None


def test_the_newest_job_counts(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    failed = [condition("Failed", "old")]
    old = job("uniref50-download-0", "uniref50-download", conditions=failed)
    old["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    new = job("uniref50-download-1", "uniref50-download", active=1, failed=2)
    cluster.lists[JOBS] = [old, new]
    assert in_order(jobs(api, ESM1NV).data, "running", "2")


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("Epoch 0:  7%|#  | 70/1000 [00:10<02:13]\rbye", "Epoch 0:  7%|#  | 70/1000 [00:10<02:13]"),
        ("a\nreduced_train_loss=2.31\nb", "reduced_train_loss=2.31"),
        ("[NeMo I] global_step: 500\nb", "[NeMo I] global_step: 500"),
        ("Traceback\nRuntimeError: NCCL", "RuntimeError: NCCL"),
    ],
)
def test_the_line_shown_is_the_one_with_the_trainings_progress(
    api: kubernetes.ApiClient, cluster: Cluster, log: str, line: str
) -> None:
    cluster.lists[PODS] = [worker(0)]
    cluster.logs["esm1nv-pretraining-worker-0"] = log
    assert jobs(api, ESM1NV).training_line == line


def test_progress_may_come_from_any_worker(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    cluster.lists[PODS] = [worker(10), worker(2), worker(0)]
    cluster.logs = {
        "esm1nv-pretraining-worker-0": "NCCL INFO",
        "esm1nv-pretraining-worker-2": "Epoch 1: 3%",
        "esm1nv-pretraining-worker-10": "Epoch 0: 1%",
    }
    assert jobs(api, ESM1NV).training_line == "Epoch 1: 3%"


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("a\rb\r\n\n", "b"),
        ("\n\n", ""),
        ("\x1b[A\r\x1b[2K\n\x07", ""),
        # tqdm's nested bars, and Lightning's colors.
        ("\x1b[A\rEpoch 1:  3%|\x1b[32m#\x1b[0m   |\x1b[K\r\x1b[A\n", "Epoch 1:  3%|#   |"),
        ("\x1b[1;34mepoch\x1b[0m 3\x1b[?25l", "epoch 3"),
        ("Epoch 1\r\x1b[A\r\x1b[2K\r", "Epoch 1"),
        ("old\rEpoch 2\r  \x1b[0m\n\x1b[A\x1b[A", "Epoch 2"),
        ("\x1b]0;a title\x07epoch 4", "epoch 4"),
        ("\x1b]8;;https://example.com\x1b\\epoch 5\x1b]8;;\x1b\\", "epoch 5"),
        ("\x1b]0;not ended\nepoch 6", "epoch 6"),
        ("a\x07\x00e\x08poch\x0b 7\x7f \x1b(B\x1b=\x9b31mloss", "aepoch 7 loss"),
        ("epoch\t8\x1b", "epoch 8"),
    ],
)
def test_the_newest_line_comes_without_control_codes(log: str, line: str) -> None:
    """They would act on the terminal that shows the line."""
    assert newest(log) == line


def test_no_control_code_of_a_log_comes_through(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.logs = {
        "uniref50-download-1-x": "read: \x1b[1mdone\x1b[0m\n",
        "esm1nv-pretraining-worker-0": "Epoch 0: 2%\x1b[A\x1b[K",
    }
    seen = jobs(api, ESM1NV)
    assert (seen.data_line, seen.training_line) == ("read: done", "Epoch 0: 2%")


def test_the_names_that_the_command_looks_for_are_those_in_the_manifests() -> None:
    settings, label = read_settings({}), "app.kubernetes.io/name"
    data = dataset_objects(settings)[-1]
    training = training_job(settings, data)
    launcher = launcher_objects(settings, dataset_job=data, training_job=training)[-1]
    for each, name in ((data, DATA_JOB), (training, ESM1NV.job), (launcher, ESM1NV.launcher)):
        assert each["metadata"]["labels"][label] == name
        assert each["metadata"]["namespace"] == NAMESPACE
    assert training["metadata"]["name"] == ESM1NV.job
    volume = data["spec"]["template"]["spec"]["volumes"][0]
    assert volume["persistentVolumeClaim"]["claimName"] == verify._CLAIM


def test_without_a_data_job_nothing_waits_for_the_data() -> None:
    """With neither data Job nor launcher, a person must start the training."""
    settings = read_settings({"dataset.enabled": "false", "training.enabled": "false"})
    assert dataset_objects(settings) == []
    assert training_state(training_job(settings, None), None, None) == (
        "suspended: nothing is about to start it"
    )
    with_data = training_job(settings, dataset_objects(read_settings({}))[-1])
    assert training_state(with_data, None, None) == "suspended: waiting for the data"
