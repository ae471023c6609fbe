"""The data Job, the training and its launcher, as the templates hand them to the cluster."""

from __future__ import annotations

from typing import Any

import pytest

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


def test_the_claim_takes_the_volume_and_nothing_else_may(default: Any) -> None:
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


def test_launcher_and_watch_wait_for_the_jobs_that_are_there(default: Any) -> None:
    """One that named another Job would wait for ever."""
    launcher = item(default, "Job", "esm1nv-launcher")
    for waiting, awaited in (
        (launcher, data_job(default)),
        (item(default, "Job", "esm1nv-watch"), launcher),
    ):
        first = waiting["spec"]["template"]["spec"]["initContainers"][0]
        assert f"job/{awaited['metadata']['name']}" in first["args"]


def test_other_data_launch_the_training_anew(default: Any, synth: Any) -> None:
    changed = synth(**{"dataset.seed": "1"})
    for prefix in ("uniref50-download", "esm1nv-launcher"):
        before, after = (item(each, "Job", prefix) for each in (default, changed))
        assert before["metadata"]["name"] != after["metadata"]["name"]
    assert item(default, "PyTorchJob") != item(changed, "PyTorchJob")


def test_without_training_nothing_lifts_the_suspension(synth: Any) -> None:
    objects = synth(**{"training.enabled": "false"}).kubernetes_objects("Workload")
    assert not [each for each in objects if each["metadata"]["name"].startswith("esm1nv-launcher")]
