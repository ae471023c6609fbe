"""The data Job: its program, and when it becomes a new Job."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from bionemo_eks.configuration import reader
from bionemo_eks.configuration.versions import DEFAULT_KUBERNETES
from bionemo_eks.jobs.dataset_job import DATA_JOB, PROGRAM_FOLDER, dataset_objects
from bionemo_eks.jobs.places import FSX
from bionemo_eks.jobs.training_job import training_job
from tests.context import read_settings
from tests.second_workload.numbers import SELECTED, WITH_NUMBERS

CHANGES = [
    {"dataset.seed": "1"},
    {"dataset.val_size": "6000"},
    {"dataset.connections": "1"},
    {"dataset.http_proxy": "http://proxy.example.org:3128"},
    {"dataset.num_csv_files": "4"},
    {"dataset.replace": "true"},
    {"dataset.preparation": "bionemo"},
    {"dataset.url": "s3://bucket/a.fasta"},
    {"training.image": "example.org/bionemo:2"},
]


def objects(**changes: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the ConfigMap with the program, and the Job."""
    return _objects(tuple(changes.items()))


@cache
def _objects(changes: tuple[tuple[str, str], ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    config_map, job = dataset_objects(read_settings(dict(changes)))
    return config_map, job


def container(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = job["spec"]["template"]["spec"]["containers"]
    return dict(found)


def option(job: dict[str, Any], name: str) -> str:
    arguments = container(job)["args"]
    return str(arguments[arguments.index(name) + 1])


@pytest.mark.parametrize("preparation", ["streaming", "bionemo"])
def test_the_program_that_it_starts_is_in_the_config_map_that_it_mounts(preparation: str) -> None:
    config_map, job = objects(**{"dataset.preparation": preparation})
    (volume,) = [
        each
        for each in job["spec"]["template"]["spec"]["volumes"]
        if each.get("configMap", {}).get("name") == config_map["metadata"]["name"]
    ]
    (place,) = [
        each["mountPath"]
        for each in container(job)["volumeMounts"]
        if each["name"] == volume["name"]
    ]
    program = Path(container(job)["command"][-1])
    assert str(program.parent) == place
    assert config_map["data"][program.name] == (PROGRAM_FOLDER / program.name).read_text()


def test_each_preparation_has_its_own_program_only() -> None:
    """Changing one must not recreate the other's Job."""
    streaming = set(objects()[0]["data"])
    own = set(objects(**{"dataset.preparation": "bionemo"})[0]["data"])
    assert own == {"prepare_with_bionemo.py"}
    assert "prepare_uniref50.py" in streaming
    assert not own & streaming


def test_kubernetes_accepts_the_config_map() -> None:
    """1 MiB: https://kubernetes.io/docs/concepts/configuration/configmap/"""
    data = objects()[0]["data"]
    assert sum(len(text.encode()) for text in data.values()) < 2**20


@pytest.mark.parametrize("preparation", ["streaming", "bionemo"])
def test_its_program_accepts_its_command_line(preparation: str, tmp_path: Path) -> None:
    """The program parses it, and stops because this machine has no /fsx to write to."""
    config_map, job = objects(**{"dataset.preparation": preparation})
    for name, text in config_map["data"].items():
        (tmp_path / name).write_text(text)
    root = tmp_path / "file"
    root.write_text("")
    arguments = [str(root) if each == FSX else each for each in container(job)["args"]]
    done = subprocess.run(
        [sys.executable, str(tmp_path / Path(container(job)["command"][1]).name), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert f"{root}/" in done.stderr


def test_the_data_set_is_cut_as_set() -> None:
    _, job = objects(
        **{
            "dataset.num_csv_files": "12",
            "dataset.val_size": "1000",
            "dataset.test_size": "2000",
            "dataset.seed": "7",
        }
    )
    names = ("--num-csv-files", "--val-size", "--test-size", "--seed")
    assert [option(job, each) for each in names] == ["12", "1000", "2000", "7"]
    assert option(job, "--root") == FSX


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({}, {"--val-size": "5000", "--test-size": "1000000"}),
        ({"dataset.url": "https://example.org/a.fasta"}, {}),
        (
            {"dataset.url": "https://example.org/a.fasta", "dataset.val_size": "0.01"},
            {"--val-size": "0.01"},
        ),
        (
            {"dataset.val_size": "auto", "dataset.test_size": "2e3"},
            {"--val-size": "5000", "--test-size": "2000"},
        ),
    ],
)
def test_sizes_that_are_not_set_are_those_of_uniref50_or_follow_from_the_file(
    given: dict[str, str], sizes: dict[str, str]
) -> None:
    arguments = container(objects(**given)[1])["args"]
    names = ("--val-size", "--test-size")
    assert {name: option(objects(**given)[1], name) for name in names if name in arguments} == sizes


def test_a_file_in_s3_is_awaited_where_the_file_system_links_it() -> None:
    _, job = objects(**{"dataset.url": "s3://bucket/folder/mine.fasta"})
    assert option(job, "--fasta").startswith(f"{FSX}/input/")
    assert option(job, "--fasta").endswith("/mine.fasta")
    assert option(job, "--await") == option(job, "--fasta")
    assert not {"--url", "--connections"} & set(container(job)["args"])


def test_a_file_that_is_there_already_is_not_awaited() -> None:
    _, job = objects(**{"dataset.url": f"{FSX}/mine/a.fasta"})
    assert option(job, "--fasta") == f"{FSX}/mine/a.fasta"
    assert "--await" not in container(job)["args"]


def test_a_model_from_s3_is_awaited_before_a_gpu_node_starts() -> None:
    """The launcher waits for the data Job, even if there is a data set."""
    settings = {
        "training.workload": "esm2",
        "gpu.instance_type": "g6.xlarge",
        "training.start": "s3://bucket/models/mine/",
    }
    _, job = objects(**settings)
    training = training_job(read_settings(settings), job)
    (worker,) = training["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
    start = worker["args"][worker["args"].index("--start") + 1]
    assert start.startswith(f"{FSX}/input/")
    assert option(job, "--await") == f"{start}/config.json"


def test_an_existing_data_set_is_replaced_only_on_request() -> None:
    assert "--replace" not in container(objects()[1])["args"]
    assert "--replace" in container(objects(**{"dataset.replace": "true"})[1])["args"]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_changed_job_has_a_new_name(changes: dict[str, str]) -> None:
    """A Job's pod template cannot be changed."""
    before, after = objects()[1], objects(**changes)[1]
    assert before["metadata"]["name"] != after["metadata"]["name"]
    assert after["metadata"]["name"].startswith(f"{DATA_JOB}-")


@pytest.mark.parametrize(
    "changes",
    [{"training.max_steps": "7000"}, {"gpu.disk_gib": "300"}, {"kubernetes_version": "1.34"}],
    ids=str,
)
def test_an_unrelated_change_prepares_no_data_again(changes: dict[str, str]) -> None:
    assert objects(**changes) == objects()


@pytest.mark.parametrize("preparation", ["streaming", "bionemo"])
def test_a_changed_global_batch_is_checked_against_the_data_before_there_are_gpus(
    preparation: str,
) -> None:
    """By a new data Job, which finds the data set and checks it: the launcher waits for it."""
    changes = {"dataset.preparation": preparation, "training.micro_batch_size": "4"}
    assert option(objects(**changes)[1], "--global-batch-size") == "64"
    assert option(objects(**changes, **{"gpu.nodes": "3"})[1], "--global-batch-size") == "96"


def test_without_a_known_global_batch_no_size_is_required() -> None:
    settings = reader.read_settings(SELECTED, WITH_NUMBERS)
    assert "--global-batch-size" not in container(dataset_objects(settings)[1])["args"]


def environment(**changes: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(objects(**changes)[1])["env"]}


@pytest.mark.parametrize("preparation", ["streaming", "bionemo"])
def test_it_uses_the_proxies_that_are_set(
    preparation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = {
        "dataset.http_proxy": "http://proxy.example.org:3128",
        "dataset.https_proxy": "http://proxy.example.org:3129",
        "dataset.no_proxy": ".example.com,mirror.example.org",
    }
    for name, value in environment(**proxies, **{"dataset.preparation": preparation}).items():
        monkeypatch.setenv(name, value)
    used = urllib.request.getproxies_environment()
    assert used["http"] == "http://proxy.example.org:3128"
    assert used["https"] == "http://proxy.example.org:3129"
    direct = ("a.example.com", "mirror.example.org", "localhost", "127.0.0.1:8080")
    assert all(urllib.request.proxy_bypass(each) for each in direct)
    assert not urllib.request.proxy_bypass("ftp.uniprot.org")


def test_it_uses_no_proxy_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://of-the-image.example.org")
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    assert not {"http", "https"} & set(urllib.request.getproxies_environment())


def test_its_pods_stay_for_their_logs_and_bad_data_is_not_retried() -> None:
    job = objects()[1]
    spec = job["spec"]
    assert "ttlSecondsAfterFinished" not in spec
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["backoffLimit"] >= 3
    rules = {rule["action"]: rule for rule in spec["podFailurePolicy"]["rules"]}
    assert rules["FailJob"]["onExitCodes"]["values"] == [2]
    assert rules["FailJob"]["onExitCodes"]["containerName"] == container(job)["name"]
    assert rules["Ignore"]["onPodConditions"][0]["type"] == "DisruptionTarget"


def test_its_pod_has_no_permissions() -> None:
    job = objects()[1]
    assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    context = container(job)["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_without_the_data_job_another_job_checks_for_data_only_if_there_is_a_training() -> None:
    off = {"dataset.enabled": "false"}
    program, check = dataset_objects(read_settings(off))
    (container,) = check["spec"]["template"]["spec"]["containers"]
    assert container["args"][:2] == ["--data", "/fsx/processed"]
    assert container["command"][-1].rpartition("/")[2] in program["data"]
    kubernetes_validate.validate(check, DEFAULT_KUBERNETES, strict=True)
    assert dataset_objects(read_settings({**off, "training.enabled": "false"})) == []
    with_data = dataset_objects(read_settings({"training.enabled": "false"}))[-1]
    assert check["metadata"]["name"] != with_data["metadata"]["name"]


def test_without_the_data_job_its_sizes_are_not_checked() -> None:
    small = {"dataset.val_size": "1"}
    with pytest.raises(reader.SettingsError, match="val_size"):
        read_settings(small)
    assert read_settings({**small, "dataset.enabled": "false"})
