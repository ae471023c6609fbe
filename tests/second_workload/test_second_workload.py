"""A new workload is one module and one manifest; everything else asks the module."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bionemo_eks.configuration.page import settings_page
from bionemo_eks.configuration.reader import SettingsError
from ops import cost
from ops.cluster.jobs import jobs
from ops.cost.prices import table
from ops.status.workload import lines_of
from tests.conftest import Synthesized
from tests.context import read_settings
from tests.ops.cluster_api import (
    JOBS,
    PODS,
    PYTORCH,
    Cluster,
    condition,
    job,
    pod,
    serving,
    training,
)
from tests.second_workload.numbers import NUMBERS, SELECTED, WITH_NUMBERS


@pytest.fixture(scope="module")
def numbers() -> Synthesized:
    return Synthesized(SELECTED, WITH_NUMBERS)


@pytest.fixture(scope="module")
def esm1nv() -> Synthesized:
    return Synthesized({}, WITH_NUMBERS)


def manifests(deployment: Synthesized) -> set[str]:
    """Logical ids of the Workload stack's manifests."""
    return set(deployment.resources("Workload", "Custom::AWSCDK-EKS-KubernetesResource"))


def objects(deployment: Synthesized) -> set[tuple[str, str]]:
    return {
        (each["kind"], each["metadata"]["name"])
        for each in deployment.kubernetes_objects("Workload")
    }


def test_a_workload_has_its_own_settings() -> None:
    settings = read_settings(SELECTED | {"training.first": "7"}, WITH_NUMBERS)
    assert settings.workload is NUMBERS
    assert settings.workers == settings.gpu.nodes, "its default layout is one pod per node"


@pytest.mark.parametrize(
    ("context", "setting", "owner"),
    [
        (SELECTED | {"training.micro_batch_size": "4"}, "training.micro_batch_size", "esm1nv"),
        (
            {"bionemo": {"training": {"workload": "numbers", "overrides": ["a=b"]}}},
            "training.overrides",
            "esm1nv",
        ),
        ({"training.first": "7"}, "training.first", "numbers"),
    ],
)
def test_another_workloads_setting_is_refused(
    context: dict[str, Any], setting: str, owner: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(context, WITH_NUMBERS)
    assert f"'{setting}' belongs to workload {owner}" in str(refused.value)
    assert f"-c training.workload={owner}" in str(refused.value)


def test_an_unknown_workload_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        SettingsError, match=r"Allowed: esm1nv, esm2, numbers\. Default: \"esm1nv\""
    ):
        read_settings({"training.workload": "esm3"}, WITH_NUMBERS)


def test_unusable_gpus_are_refused_with_the_usable_ones() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(SELECTED | {"gpu.instance_type": "g5.12xlarge"}, WITH_NUMBERS)
    assert "A10G" in str(refused.value)
    assert "Numbers" in str(refused.value)
    assert "Numbers can use T4, V100, A100." in str(refused.value)
    assert read_settings({"gpu.instance_type": "g5.12xlarge"}, WITH_NUMBERS)


def test_the_settings_page_lists_both(numbers: Synthesized) -> None:
    page = settings_page(WITH_NUMBERS)
    assert "## training (workload numbers)" in page
    assert "`training.first`" in page
    assert page.count("| `training.max_steps` |") == len(WITH_NUMBERS)


def test_no_construct_and_no_object_is_shared_by_two_trainings(
    numbers: Synthesized, esm1nv: Synthesized
) -> None:
    """With a shared id a change would be an update, whose prune leaves PyTorchJobs and Roles."""
    shared = manifests(numbers) & manifests(esm1nv)
    assert len(shared) == 2, "the volume and the data Job"
    kept = {kind for kind, _ in objects(numbers) & objects(esm1nv)}
    # The data Job is a different one, because it runs in the training's image.
    assert kept == {"PersistentVolume", "PersistentVolumeClaim", "ConfigMap"}


def test_every_workloads_results_reach_s3_whichever_trains(
    numbers: Synthesized, esm1nv: Synthesized
) -> None:
    for each in (numbers, esm1nv):
        linked = each.resources("Storage", "AWS::FSx::DataRepositoryAssociation").values()
        paths = {one["Properties"]["FileSystemPath"] for one in linked}
        assert paths == {"/processed", "/esm1nv-train", "/esm2-train", "/numbers-train"}


def test_a_launcher_waits_until_no_training_holds_gpus(
    numbers: Synthesized, esm1nv: Synthesized
) -> None:
    """It waits for the pods of every training: each PyTorchJob's pods carry both labels."""
    for deployment in (numbers, esm1nv):
        (launcher,) = [
            each
            for each in deployment.kubernetes_objects("Workload")
            if each["kind"] == "Job" and "-launcher-" in each["metadata"]["name"]
        ]
        steps = launcher["spec"]["template"]["spec"]["initContainers"]
        (selector,) = [
            argument.removeprefix("--selector=")
            for step in steps
            for argument in step["args"]
            if argument.startswith("--selector=")
        ]
        wanted = dict(part.partition("=")[::2] for part in selector.split(","))
        assert "training.kubeflow.org/job-name" in wanted, "the operator sets it on its pods"
        del wanted["training.kubeflow.org/job-name"]
        for other in (numbers, esm1nv):
            (pytorch_job,) = [
                each
                for each in other.kubernetes_objects("Workload")
                if each["kind"] == "PyTorchJob"
            ]
            worker = pytorch_job["spec"]["pytorchReplicaSpecs"]["Worker"]
            assert wanted.items() <= worker["template"]["metadata"]["labels"].items()


def test_its_status_and_its_cost() -> None:
    cluster = Cluster()
    cluster.lists = {
        JOBS: [job("numbers-launcher-1", "numbers-launcher", conditions=[condition("Complete")])],
        PYTORCH: [
            training(False, condition("Running")) | {"metadata": {"name": NUMBERS.job}},
            training(False, condition("Failed")),
        ],
        PODS: [
            pod(
                "numbers-training-worker-0",
                {"training.kubeflow.org/job-name": NUMBERS.job},
                "Running",
            )
        ],
    }
    cluster.logs = {"numbers-training-worker-0": "hello\nnumber 7\nbye\n"}
    with serving(cluster) as api:
        found = jobs(api, NUMBERS)
    lines = {line.name: line.state for line in lines_of(found, NUMBERS, 10)}
    assert lines["Numbers training"] == "running"
    assert lines["launcher"] == "complete"
    assert found.training_line == "number 7"
    settings = read_settings(SELECTED | {"training.max_steps": "50"}, WITH_NUMBERS)
    bill, _ = cost.bills(settings, table(), date(2026, 11, 25))
    assert bill.way.train_hours == 5.0


def test_nothing_that_it_deploys_names_another_training(numbers: Synthesized) -> None:
    named = [each for each in numbers.kubernetes_objects("Workload") if "esm1nv" in str(each)]
    assert named == []
    for stack in ("Workload", "Observability"):
        assert "esm1nv" not in str(numbers.json(stack))
