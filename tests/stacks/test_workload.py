"""The data Job, the training and its launcher, as the templates apply them to the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bionemo_eks.jobs.images import images

FSX = "/fsx"


def item(deployment: Any, kind: str, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [
        each
        for each in deployment.kubernetes_objects("Workload")
        if each["kind"] == kind and each["metadata"]["name"].startswith(prefix)
    ]
    return found


def data_job(deployment: Any) -> dict[str, Any]:
    return item(deployment, "Job", "uniref50-download")


def test_only_the_claim_can_bind_the_volume(default: Any) -> None:
    volume, claim = item(default, "PersistentVolume"), item(default, "PersistentVolumeClaim")
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"] == "fsx-static-pv"
    assert volume["spec"]["claimRef"] == {
        "namespace": claim["metadata"]["namespace"],
        "name": claim["metadata"]["name"],
    }
    assert volume["spec"]["storageClassName"] == claim["spec"]["storageClassName"] == ""
    assert volume["spec"]["accessModes"] == claim["spec"]["accessModes"]
    assert volume["spec"]["capacity"] == claim["spec"]["resources"]["requests"]
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


@pytest.mark.parametrize("kind", ["data", "training"])
def test_both_jobs_mount_the_claim_at_fsx(default: Any, kind: str) -> None:
    if kind == "data":
        spec = data_job(default)["spec"]["template"]["spec"]
    else:
        worker = item(default, "PyTorchJob")["spec"]["pytorchReplicaSpecs"]["Worker"]
        spec = worker["template"]["spec"]
    claim = item(default, "PersistentVolumeClaim")["metadata"]["name"]
    (volume,) = [
        each["name"]
        for each in spec["volumes"]
        if each.get("persistentVolumeClaim", {}).get("claimName") == claim
    ]
    assert {"name": volume, "mountPath": FSX} in spec["containers"][0]["volumeMounts"]


def test_names_stay_short_enough_for_pods(default: Any) -> None:
    for each in default.kubernetes_objects("Workload"):
        assert len(each["metadata"]["name"]) <= 63 - len("-abcde")


def test_the_launcher_waits_for_the_data_job_that_exists(default: Any) -> None:
    """With the name of another Job it would wait forever."""
    launcher = item(default, "Job", "esm1nv-launcher")
    first = launcher["spec"]["template"]["spec"]["initContainers"][0]
    assert f"job/{data_job(default)['metadata']['name']}" in first["args"]


def watched(deployment: Any) -> set[str]:
    """The names of objects that the watch gets."""
    (container,) = item(deployment, "Deployment")["spec"]["template"]["spec"]["containers"]
    there = {each["metadata"]["name"] for each in deployment.kubernetes_objects("Workload")}
    return there & set(container["args"])


def test_the_watch_gets_the_jobs_that_exist(default: Any) -> None:
    launcher, training = item(default, "Job", "esm1nv-launcher"), item(default, "PyTorchJob")
    names = {each["metadata"]["name"] for each in (data_job(default), launcher, training)}
    assert watched(default) == names


def test_the_watch_may_publish_in_its_namespace_and_nothing_else(default: Any) -> None:
    (container,) = item(default, "Deployment")["spec"]["template"]["spec"]["containers"]
    namespace = container["args"][container["args"].index("--metrics") + 1]
    (policy,) = default.resources("Workload", "AWS::IAM::Policy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "cloudwatch:PutMetricData"
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": namespace}}
    (identity,) = default.resources("Workload", "AWS::EKS::PodIdentityAssociation").values()
    account = item(default, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    assert identity["Properties"]["ServiceAccount"] == account


def test_in_a_capacity_block_launcher_and_watch_may_describe_it(synth: Any) -> None:
    block = {
        "gpu.purchase": "capacity-block",
        "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
    }
    deployment = synth(**block)
    accounts = {
        each["Properties"]["ServiceAccount"]
        for each in deployment.resources("Workload", "AWS::EKS::PodIdentityAssociation").values()
    }
    assert accounts == {"esm1nv-launcher", "esm1nv-watch"}
    for each in deployment.resources("Workload", "AWS::IAM::Policy").values():
        actions = str(each["Properties"]["PolicyDocument"]["Statement"])
        assert "ec2:DescribeCapacityReservations" in actions


def test_the_watchs_pod_starts_after_its_identity_exists(default: Any) -> None:
    (identity,) = default.resources("Workload", "AWS::EKS::PodIdentityAssociation")
    (watch,) = [
        each
        for each in default.resources("Workload", "Custom::AWSCDK-EKS-KubernetesResource").values()
        if "esm1nv-watch" in str(each["Properties"]["Manifest"])
    ]
    assert identity in watch["DependsOn"]


def test_other_data_launch_the_training_again(default: Any, synth: Any) -> None:
    changed = synth(**{"dataset.seed": "1"})
    for prefix in ("uniref50-download", "esm1nv-launcher"):
        before, after = (item(each, "Job", prefix) for each in (default, changed))
        assert before["metadata"]["name"] != after["metadata"]["name"]
    assert item(default, "PyTorchJob") != item(changed, "PyTorchJob")


def test_without_training_nothing_lifts_the_suspension(synth: Any) -> None:
    deployment = synth(**{"training.enabled": "false"})
    objects = deployment.kubernetes_objects("Workload")
    assert not [each for each in objects if each["metadata"]["name"].startswith("esm1nv-launcher")]
    # The data Job is still watched.
    assert data_job(deployment)["metadata"]["name"] in watched(deployment)


def test_every_image_of_the_manifests_is_listed_for_preflight(default: Any) -> None:
    """Preflight checks the images that the templates name."""
    objects = [
        *default.kubernetes_objects("Workload"),
        *default.kubernetes_objects("Addons"),
    ]
    assert set(_images_in(objects)) == set(images(default.settings))


def _images_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _images_in(each)
    if isinstance(value, dict):
        if isinstance(value.get("image"), str) and "name" in value:
            yield value["image"]
        for each in value.values():
            yield from _images_in(each)


def test_the_key_to_the_image_is_read_by_one_role_and_written_before_the_data_job(
    synth: Any,
) -> None:
    deployment = synth(**{"training.image_pull_secret": "team/ngc"})
    writer = item(deployment, "Job", "training-image-key")
    account = writer["spec"]["template"]["spec"]["serviceAccountName"]
    (identity,) = [
        name
        for name, each in deployment.resources(
            "Workload", "AWS::EKS::PodIdentityAssociation"
        ).items()
        if each["Properties"]["ServiceAccount"] == account
    ]
    (statement,) = [
        each
        for policy in deployment.resources("Workload", "AWS::IAM::Policy").values()
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if "secretsmanager" in str(each)
    ]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert "secret:team/ngc-??????" in str(statement["Resource"])
    manifests = {
        name: (str(each["Properties"]["Manifest"]), each.get("DependsOn", []))
        for name, each in deployment.resources(
            "Workload", "Custom::AWSCDK-EKS-KubernetesResource"
        ).items()
    }
    ((writing, after),) = [
        (name, after) for name, (text, after) in manifests.items() if "write_pull_secret.py" in text
    ]
    assert identity in after
    (data,) = [after for text, after in manifests.values() if "uniref50-program" in text]
    assert writing in data


OFF = {"dataset.enabled": "false"}
PROGRAM = "/opt/data-there/data_there.py"


def jobs_of(deployment: Any) -> list[dict[str, Any]]:
    objects = deployment.kubernetes_objects("Workload")
    return [each for each in objects if each["kind"] == "Job"]


@pytest.mark.slow
def test_without_data_preparation_a_check_replaces_it_and_everything_waits_for_it(
    synth: Any,
) -> None:
    deployment = synth(**OFF)
    check, launcher = jobs_of(deployment)
    assert check["metadata"]["labels"]["app.kubernetes.io/name"] == "uniref50-download"
    (container,) = check["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python3", PROGRAM]
    assert container["args"][:2] == ["--data", "/fsx/processed"]
    assert [each["readOnly"] for each in container["volumeMounts"]] == [True, True]
    waits = launcher["spec"]["template"]["spec"]["initContainers"][0]["args"]
    assert f"job/{check['metadata']['name']}" in waits
    training = item(deployment, "PyTorchJob")
    noted = training["metadata"]["annotations"]["bionemo-on-eks/dataset-job"]
    assert noted == check["metadata"]["name"]
    watch = item(deployment, "Deployment", "esm1nv-watch")
    arguments = watch["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[arguments.index("--data-job") + 1] == check["metadata"]["name"]


@pytest.mark.slow
def test_without_data_and_training_there_is_no_job_and_the_watch_may_read_none(
    synth: Any,
) -> None:
    deployment = synth(**OFF, **{"training.enabled": "false"})
    assert jobs_of(deployment) == []
    watch = item(deployment, "Deployment", "esm1nv-watch")
    assert "--data-job" not in watch["spec"]["template"]["spec"]["containers"][0]["args"]
    (rule,) = [
        each
        for each in item(deployment, "Role", "esm1nv-watch")["rules"]
        if each["resources"] == ["jobs"]
    ]
    assert rule["resourceNames"] == ["none"], "an empty list would be all of them"
    training = item(deployment, "PyTorchJob")
    assert training["spec"]["runPolicy"]["suspend"] is True


def test_the_data_job_runs_without_a_training_too(synth: Any) -> None:
    (data,) = jobs_of(synth(**{"training.enabled": "false"}))
    assert "prepare_uniref50.py" in str(data["spec"])
