"""The data Job, the training and its launcher, as the templates hand them to the cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
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


def container(job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = job["spec"]["template"]["spec"]["containers"]
    return found


def test_each_preparation_brings_its_own_program_alone(default: Any, synth: Any) -> None:
    """A change of the one must not make the other's Job anew."""
    streaming = set(item(default, "ConfigMap")["data"])
    own = set(item(synth(**{"dataset.preparation": "bionemo"}), "ConfigMap")["data"])
    assert own == {"prepare_with_bionemo.py"}
    assert "prepare_uniref50.py" in streaming
    assert not own & streaming


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


def test_the_data_jobs_command_line_is_one_that_its_program_takes(
    default: Any, tmp_path: Path
) -> None:
    """The program reads it, and stops where this machine has no /fsx to write to."""
    job = container(data_job(default))
    program = tmp_path / "program"
    program.mkdir()
    for name, text in item(default, "ConfigMap")["data"].items():
        (program / name).write_text(text)
    root = tmp_path / "file"
    root.write_text("")
    arguments = [str(root) if each == FSX else each for each in job["args"]]
    done = subprocess.run(
        [sys.executable, str(program / Path(job["command"][1]).name), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "a folder was expected" in done.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset.seed": "1"},
        {"dataset.val_size": "10"},
        {"dataset.num_csv_files": "4"},
        {"dataset.replace": "true"},
        {"dataset.preparation": "bionemo"},
        {"training.image": "example.org/bionemo:2"},
    ],
)
def test_a_changed_data_job_has_a_new_name_and_so_has_its_launcher(
    default: Any, synth: Any, changes: dict[str, str]
) -> None:
    changed = synth(**changes)
    assert data_job(changed)["metadata"]["name"] != data_job(default)["metadata"]["name"]
    launcher = "esm1nv-launcher"
    assert (
        item(changed, "Job", launcher)["metadata"]["name"]
        != item(default, "Job", launcher)["metadata"]["name"]
    )


def test_a_changed_training_has_a_new_launcher_but_leaves_the_data_alone(
    default: Any, synth: Any
) -> None:
    changed = synth(**{"training.max_steps": "7"})
    assert data_job(changed) == data_job(default)
    assert item(changed, "Job", "esm1nv-launcher") != item(default, "Job", "esm1nv-launcher")


def test_another_kubernetes_version_starts_no_training_anew(default: Any, synth: Any) -> None:
    older = synth(kubernetes_version="1.34")
    for job in ("esm1nv-launcher", "esm1nv-watch", "uniref50-download"):
        assert item(older, "Job", job) == item(default, "Job", job)


def test_names_stay_short_enough_for_pods(default: Any) -> None:
    for each in default.kubernetes_objects("Workload"):
        assert len(each["metadata"]["name"]) <= 63 - len("-abcde")


def test_the_data_jobs_log_stays_and_bad_data_is_not_tried_again(default: Any) -> None:
    spec = data_job(default)["spec"]
    assert "ttlSecondsAfterFinished" not in spec
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["backoffLimit"] >= 3
    rules = {rule["action"]: rule for rule in spec["podFailurePolicy"]["rules"]}
    assert rules["FailJob"]["onExitCodes"]["values"] == [2]
    assert rules["FailJob"]["onExitCodes"]["containerName"] == container(data_job(default))["name"]
    assert rules["Ignore"]["onPodConditions"][0]["type"] == "DisruptionTarget"


def test_the_training_waits_suspended_and_has_a_fixed_world(default: Any) -> None:
    spec = item(default, "PyTorchJob")["spec"]
    assert spec["runPolicy"]["suspend"] is True
    policy = spec["elasticPolicy"]
    replicas = spec["pytorchReplicaSpecs"]["Worker"]["replicas"]
    assert policy["minReplicas"] == policy["maxReplicas"] == replicas == 16
    assert "metrics" not in policy, "with metrics the operator makes an HPA"


def test_the_training_resumes_and_writes_below_the_exported_folder(default: Any) -> None:
    worker = item(default, "PyTorchJob")["spec"]["pytorchReplicaSpecs"]["Worker"]
    args = worker["template"]["spec"]["containers"][0]["args"]
    overrides = dict(each.split("=", 1) for each in args[1:])
    assert overrides["++exp_manager.resume_if_exists"] == "True"
    assert overrides["++exp_manager.resume_ignore_no_checkpoint"] == "True"
    assert overrides["exp_manager.exp_dir"].startswith("/fsx/esm1nv-train/")
    assert overrides["model.data.dataset_path"] == "/fsx/processed"


def test_the_training_reads_as_many_files_as_the_data_job_writes(synth: Any) -> None:
    deployment = synth(**{"dataset.num_csv_files": "12"})
    job = container(data_job(deployment))
    assert job["args"][job["args"].index("--num-csv-files") + 1] == "12"
    worker = item(deployment, "PyTorchJob")["spec"]["pytorchReplicaSpecs"]["Worker"]
    args = worker["template"]["spec"]["containers"][0]["args"]
    assert "model.data.dataset.train='x_OP_000..011_CL_'" in args


def test_the_launcher_may_touch_its_two_jobs_and_no_more(default: Any) -> None:
    rules = item(default, "Role", "esm1nv-launcher")["rules"]
    named = {
        name
        for rule in rules
        if rule["resources"] != ["pods"]
        for name in rule.get("resourceNames", ["*"])
    }
    assert named == {data_job(default)["metadata"]["name"], "esm1nv-pretraining"}
    verbs = {verb for rule in rules for verb in rule["verbs"]}
    assert verbs <= {"get", "list", "watch", "patch"}
    spec = item(default, "Job", "esm1nv-launcher")["spec"]["template"]["spec"]
    steps = [each["args"] for each in [*spec["initContainers"], *spec["containers"]]]
    assert f"job/{data_job(default)['metadata']['name']}" in steps[0]
    assert steps[-1][0] == "patch"
    assert '"suspend":false' in steps[-1][-1]


@pytest.mark.parametrize(
    "change",
    [
        {"dataset.seed": "7"},
        {"training.max_steps": "9"},
        {"training.enabled": "false"},
        {"gpu.nodes": "1"},
    ],
)
def test_a_change_of_data_or_training_applies_the_suspension_again(
    default: Any, synth: Any, change: dict[str, str]
) -> None:
    """CloudFormation hands on only an object that has changed; kubectl then restores the field."""
    before, after = (item(each, "PyTorchJob") for each in (default, synth(**change)))
    assert before != after
    assert after["spec"]["runPolicy"]["suspend"] is True


def test_the_launcher_holds_the_training_before_it_forgets_the_last_run(default: Any) -> None:
    """Whoever retries it, the operator never sees a running job without its status."""
    spec = item(default, "Job", "esm1nv-launcher")["spec"]["template"]["spec"]
    steps = {each["name"]: each["args"][-1] for each in spec["initContainers"]}
    names = list(steps)
    assert names.index("hold-the-training") < names.index("forget-the-run-before")
    assert '"suspend":true' in steps["hold-the-training"]


@pytest.mark.parametrize("nodes", ["1", "4"])
def test_a_training_that_only_fails_comes_to_an_end(synth: Any, nodes: str) -> None:
    """Else a misspelt override would keep GPU nodes for ever."""
    spec = item(synth(**{"gpu.nodes": nodes}), "PyTorchJob")["spec"]
    workers = spec["pytorchReplicaSpecs"]["Worker"]["replicas"]
    # All containers' restarts count together: one each must not be the end.
    assert workers < spec["runPolicy"]["backoffLimit"] <= 5 * workers
    assert spec["elasticPolicy"]["maxRestarts"] <= 10


def test_a_changed_training_is_watched_anew_once_it_has_been_launched(
    default: Any, synth: Any
) -> None:
    watches = [item(each, "Job", "esm1nv-watch") for each in (default, synth(**{"gpu.nodes": "1"}))]
    assert len({each["metadata"]["name"] for each in watches}) == 2
    launcher = item(default, "Job", "esm1nv-launcher")["metadata"]["name"]
    (first,) = watches[0]["spec"]["template"]["spec"]["initContainers"]
    assert f"job/{launcher}" in first["args"]
    (rights,) = [
        each
        for each in default.kubernetes_objects("Workload")
        if each["kind"] == "Role" and each["metadata"]["name"] == "esm1nv-watch"
    ]
    assert {verb for rule in rights["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert {name for rule in rights["rules"] for name in rule["resourceNames"]} == {
        launcher,
        "esm1nv-pretraining",
    }


def test_without_training_nothing_lifts_the_suspension(synth: Any) -> None:
    objects = synth(**{"training.enabled": "false"}).kubernetes_objects("Workload")
    assert not [each for each in objects if each["metadata"]["name"].startswith("esm1nv-launcher")]


def test_pods_that_need_no_token_have_none(default: Any) -> None:
    worker = item(default, "PyTorchJob")["spec"]["pytorchReplicaSpecs"]["Worker"]
    for spec in (data_job(default)["spec"]["template"]["spec"], worker["template"]["spec"]):
        assert spec["automountServiceAccountToken"] is False
        for each in spec["containers"]:
            assert each["securityContext"]["allowPrivilegeEscalation"] is False
            assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_users_overrides_come_last_so_that_they_win(synth: Any) -> None:
    deployment = synth(**{"training.overrides": '["model.micro_batch_size=2","+new.key=a"]'})
    worker = item(deployment, "PyTorchJob")["spec"]["pytorchReplicaSpecs"]["Worker"]
    args = worker["template"]["spec"]["containers"][0]["args"]
    assert args[-2:] == ["model.micro_batch_size=2", "+new.key=a"]
