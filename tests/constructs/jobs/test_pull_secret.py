"""The key to the training's image: who may write it, who pulls with it, where it never is."""

from __future__ import annotations

from typing import Any

import pytest

from bionemo_eks.jobs.dataset_job import dataset_objects
from bionemo_eks.jobs.pull_secret import PULL_SECRET, pull_secret_objects
from bionemo_eks.jobs.training_job import launcher_objects, training_job
from tests.context import read_settings
from write_pull_secret import arguments

WITH_KEY = {"training.image_pull_secret": "team/ngc"}
DATA_JOB = {"metadata": {"name": "some-data-job"}}


def made(**changes: str) -> list[dict[str, Any]]:
    return pull_secret_objects(read_settings(WITH_KEY | changes))


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def pods(**changes: str) -> dict[str, dict[str, Any]]:
    """The pods that run the training's image."""
    settings = read_settings(changes)
    training = training_job(settings, DATA_JOB)
    launcher = launcher_objects(settings, dataset_job=DATA_JOB, training_job=training)[-1]
    data = dataset_objects(settings)[-1]
    worker = training["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]
    return {
        "worker": worker,
        "launcher": launcher["spec"]["template"]["spec"],
        "data": data["spec"]["template"]["spec"],
    }


def test_without_the_setting_none_of_its_objects_exist() -> None:
    assert pull_secret_objects(read_settings({})) == []
    for pod in pods().values():
        assert "imagePullSecrets" not in pod
        assert PULL_SECRET not in str(pod)


@pytest.mark.parametrize("more", [{}, {"preset": "esm2-smoke"}])
def test_every_pod_of_the_trainings_image_pulls_with_the_key(more: dict[str, str]) -> None:
    for name, pod in pods(**WITH_KEY, **more).items():
        assert pod["imagePullSecrets"] == [{"name": PULL_SECRET}], name


def test_the_data_job_waits_for_the_key_and_cannot_read_it() -> None:
    pod = pods(**WITH_KEY)["data"]
    (volume,) = [each for each in pod["volumes"] if "secret" in each]
    assert volume["secret"]["secretName"] == PULL_SECRET
    assert not volume["secret"].get("optional"), "the pod would not wait for an optional one"
    (container,) = pod["containers"]
    options = arguments(only(made(), "Job")["spec"]["template"]["spec"]["containers"][0]["args"])
    # Kubelet does not wait for a volume that no container mounts.
    assert volume["name"] in [each["name"] for each in container["volumeMounts"]]
    assert [each["key"] for each in volume["secret"]["items"]] == [options.marker]
    assert options.name == PULL_SECRET


def test_the_job_may_write_this_one_secret_and_read_none() -> None:
    objects = made()
    (rule,) = only(objects, "Role")["rules"]
    assert rule["resources"] == ["secrets"]
    assert rule["resourceNames"] == [PULL_SECRET]
    assert set(rule["verbs"]) == {"create", "patch"}
    account = only(objects, "ServiceAccount")["metadata"]["name"]
    assert only(objects, "Job")["spec"]["template"]["spec"]["serviceAccountName"] == account
    assert [each["name"] for each in only(objects, "RoleBinding")["subjects"]] == [account]


def test_no_object_is_the_secret_itself() -> None:
    assert "Secret" not in {each["kind"] for each in made()}


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("nvcr.io/nvidia/clara/bionemo-framework:1.2", "nvcr.io"),
        ("registry.example.org:5000/bionemo@sha256:" + "0" * 64, "registry.example.org:5000"),
        # https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
        ("team/bionemo:1.2", "https://index.docker.io/v1/"),
    ],
)
def test_the_key_is_for_the_registry_of_the_trainings_image(image: str, registry: str) -> None:
    job = only(made(**{"training.image": image}), "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert arguments(container["args"]).registry == registry


def test_the_pod_finds_all_of_the_program() -> None:
    objects = made()
    pod, program = only(objects, "Job")["spec"]["template"]["spec"], only(objects, "ConfigMap")
    (container,) = pod["containers"]
    folder, _, file = container["command"][1].rpartition("/")
    assert [each["mountPath"] for each in container["volumeMounts"]] == [folder]
    assert {file, "api_server.py"} == set(program["data"])
    assert pod["volumes"][0]["configMap"]["name"] == program["metadata"]["name"]


def test_a_changed_secret_or_registry_is_written_by_a_new_job() -> None:
    names = {
        only(made(**changes), "Job")["metadata"]["name"]
        for changes in (
            dict[str, str](),
            {"training.image_pull_secret": "team/other"},
            {"training.image": "registry.example.org/bionemo:1.2"},
        )
    }
    assert len(names) == 3
