"""The data Job: the program that it brings, and when it is another Job."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.jobs.dataset_job import DATA_JOB, PROGRAM_FOLDER, dataset_objects
from bionemo_eks.jobs.places import FSX
from tests.context import read_settings

CHANGES = [
    {"dataset.seed": "1"},
    {"dataset.val_size": "10"},
    {"dataset.num_csv_files": "4"},
    {"dataset.replace": "true"},
    {"dataset.preparation": "bionemo"},
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


def test_each_preparation_brings_its_own_program_alone() -> None:
    """A change of the one must not make the other's Job anew."""
    streaming = set(objects()[0]["data"])
    own = set(objects(**{"dataset.preparation": "bionemo"})[0]["data"])
    assert own == {"prepare_with_bionemo.py"}
    assert "prepare_uniref50.py" in streaming
    assert not own & streaming


def test_kubernetes_takes_the_config_map() -> None:
    """1 MiB: https://kubernetes.io/docs/concepts/configuration/configmap/"""
    data = objects()[0]["data"]
    assert sum(len(text.encode()) for text in data.values()) < 2**20


@pytest.mark.parametrize("preparation", ["streaming", "bionemo"])
def test_its_command_line_is_one_that_its_program_takes(preparation: str, tmp_path: Path) -> None:
    """The program reads it, and stops where this machine has no /fsx to write to."""
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
            "dataset.val_size": "10",
            "dataset.test_size": "20",
            "dataset.seed": "7",
        }
    )
    names = ("--num-csv-files", "--val-size", "--test-size", "--seed")
    assert [option(job, each) for each in names] == ["12", "10", "20", "7"]
    assert option(job, "--root") == FSX


def test_what_is_there_is_replaced_only_when_told() -> None:
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
    [{"training.max_steps": "7000"}, {"gpu.nodes": "3"}, {"kubernetes_version": "1.34"}],
    ids=str,
)
def test_a_change_of_something_else_prepares_no_data_anew(changes: dict[str, str]) -> None:
    assert objects(**changes) == objects()


def test_its_log_stays_and_bad_data_is_not_tried_again() -> None:
    job = objects()[1]
    spec = job["spec"]
    assert "ttlSecondsAfterFinished" not in spec
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["backoffLimit"] >= 3
    rules = {rule["action"]: rule for rule in spec["podFailurePolicy"]["rules"]}
    assert rules["FailJob"]["onExitCodes"]["values"] == [2]
    assert rules["FailJob"]["onExitCodes"]["containerName"] == container(job)["name"]
    assert rules["Ignore"]["onPodConditions"][0]["type"] == "DisruptionTarget"


def test_its_pod_has_no_rights() -> None:
    job = objects()[1]
    assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    context = container(job)["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
