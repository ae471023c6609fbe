"""The launcher: when it starts a training, when it is a new Job, and what it may do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.jobs.places import FSX, NOTES
from tests.constructs.jobs.training_objects import Objects
from tests.workloads.esm1nv.checkpoints import save
from wait_for_block import EXIT_OVER


def rules(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    (role,) = [each for each in objects if each["kind"] == "Role"]
    return list(role["rules"])


def steps(objects: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the arguments of a Job's containers, by name, in the order in which they run."""
    pod = objects[-1]["spec"]["template"]["spec"]
    return {
        each["name"]: each["args"] for each in [*pod.get("initContainers", []), *pod["containers"]]
    }


@pytest.mark.parametrize("change", [{"training.max_steps": "7000"}, {"gpu.nodes": "1"}], ids=str)
def test_a_changed_training_is_launched_again(change: dict[str, str]) -> None:
    before, after = (each.launcher[-1] for each in (Objects(), Objects(**change)))
    assert before["metadata"]["name"] != after["metadata"]["name"]


def test_a_changed_kubernetes_version_starts_no_training_again() -> None:
    older, newer = Objects(kubernetes_version="1.34"), Objects(kubernetes_version="1.35")
    assert older.launcher == newer.launcher


def test_the_launcher_waits_for_the_data_and_then_starts_the_training() -> None:
    found = list(steps(Objects().launcher).values())
    assert "job/some-data-job" in found[0]
    assert found[-1][0] == "patch"


def answered(found: Objects, folder: Path, step: int, hours: float = 0) -> list[dict[str, Any]]:
    """Return the patches of status and spec that the launcher's own program writes.

    The newest checkpoint is of `step`; the training has run for `hours`.
    """
    pod = found.launcher[-1]["spec"]["template"]["spec"]
    *_, asks, says = pod["initContainers"]
    (starts,) = pod["containers"]
    for name, text in found.program["data"].items():
        (folder / name).write_text(text)
    results = folder / asks["args"][asks["args"].index("--results") + 1].removeprefix("/")
    save(results / "checkpoints" / "x-last.ckpt", step)
    (results / "hours.json").write_text(json.dumps({"hours": hours}))
    patches = folder / "patches"
    patches.mkdir()
    here = [str(folder) + each if each.startswith(f"{FSX}/") else each for each in asks["args"]]
    subprocess.run(
        [sys.executable, str(folder / "ask.py"), "--patches", str(patches), *here], check=True
    )
    files = (Path(step["args"][-1].partition("=")[2]).name for step in (says, starts))
    return [json.loads((patches / name).read_text()) for name in files]


def noted(patch: dict[str, Any]) -> dict[str, Any]:
    """Return the notes that a patch adds to the PyTorchJob for the watch."""
    return dict(json.loads(patch["metadata"]["annotations"][NOTES]))


@pytest.mark.parametrize("finished", [False, True])
def test_the_launcher_starts_what_is_not_finished(finished: bool, tmp_path: Path) -> None:
    """Its own program writes the patches that its next two steps apply, before a GPU node is up."""
    found = Objects(**{"training.max_steps": "1000"})
    of_status, of_spec = answered(found, tmp_path, 1000 if finished else 500)
    if finished:
        (condition,) = of_status["status"]["conditions"]
        assert (condition["type"], condition["status"]) == ("Succeeded", "True")
        assert "max_steps is 1,000" in condition["message"]
        assert of_spec == {}
    else:
        assert of_status == {}
        assert of_spec["spec"] == {"runPolicy": {"suspend": False}}


@pytest.mark.parametrize(("hours", "starts"), [(23.5, True), (23.99, False), (24.1, False)])
def test_the_launcher_starts_nothing_that_has_had_its_hours(
    hours: float, starts: bool, tmp_path: Path
) -> None:
    found = Objects(**{"training.max_hours": "24"})
    of_status, of_spec = answered(found, tmp_path, 500, hours)
    assert of_status == {}
    assert ("spec" in of_spec) == starts
    assert noted(of_spec)["hours_used"] == hours
    assert ("training.max_hours is 24" in noted(of_spec).get("stopped_why", "")) != starts


def test_without_a_limit_hours_are_counted_and_end_nothing(tmp_path: Path) -> None:
    _, of_spec = answered(Objects(), tmp_path, 500, 10_000)
    assert of_spec["spec"] == {"runPolicy": {"suspend": False}}
    assert noted(of_spec) == {"hours_used": 10_000}


def test_the_check_of_progress_mounts_the_files_read_only() -> None:
    pod = Objects().launcher[-1]["spec"]["template"]["spec"]
    asks = pod["initContainers"][-2]
    mounts = {each["mountPath"]: each.get("readOnly", False) for each in asks["volumeMounts"]}
    assert mounts.pop(FSX) is True
    assert [path for path, read_only in mounts.items() if not read_only] == ["/patches"]
    volumes = {each["name"] for each in pod["volumes"]}
    assert {each["name"] for each in asks["volumeMounts"]} <= volumes


def test_the_launcher_holds_the_training_before_it_forgets_the_last_run() -> None:
    """Even if it is retried, the operator never sees a running job without its status."""
    found = steps(Objects().launcher)
    names = list(found)
    assert names.index("hold-the-training") < names.index("forget-the-run-before")
    assert '"suspend":true' in found["hold-the-training"][-1]


BLOCK = {
    "gpu.purchase": "capacity-block",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}


def test_in_a_capacity_block_the_launchers_last_wait_is_for_the_block() -> None:
    """Nodes requested earlier are refused, so the suspension is lifted after the wait."""
    found = Objects(**BLOCK)
    job = found.launcher[-1]
    pod = job["spec"]["template"]["spec"]
    waits = pod["initContainers"][-1]
    assert {BLOCK["gpu.capacity_reservation_id"], "us-west-2"} <= set(waits["args"])
    mounts = {each["name"]: each["mountPath"] for each in waits["volumeMounts"]}
    (program,) = [each for each in found.launcher if each["kind"] == "ConfigMap"]
    (volume,) = [
        each
        for each in pod["volumes"]
        if each.get("configMap", {}).get("name") == program["metadata"]["name"]
    ]
    folder, _, file = waits["command"][1].rpartition("/")
    assert mounts[volume["name"]] == folder
    assert file in program["data"]
    (rule,) = job["spec"]["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [EXIT_OVER]
    assert rule["onExitCodes"]["containerName"] == waits["name"]
    assert "podFailurePolicy" not in Objects().launcher[-1]["spec"]


def test_a_new_block_makes_a_new_launcher_for_the_same_training() -> None:
    """So the training resumes in a block that is bought later, and is not recreated for it."""
    one = Objects(**BLOCK)
    other = Objects(**BLOCK | {"gpu.capacity_reservation_id": "cr-00000000000000001"})
    assert one.training == other.training
    assert one.launcher[-1]["metadata"]["name"] != other.launcher[-1]["metadata"]["name"]


def test_the_launcher_may_touch_its_two_jobs_and_no_more() -> None:
    found = Objects()
    named = {
        name
        for rule in rules(found.launcher)
        if rule["resources"] != ["pods"]
        for name in rule.get("resourceNames", ["*"])
    }
    assert named == {"some-data-job", found.training["metadata"]["name"]}
    # It may only read other pods.
    of_pods = [rule for rule in rules(found.launcher) if rule["resources"] == ["pods"]]
    assert {verb for rule in of_pods for verb in rule["verbs"]} <= {"get", "list", "watch"}
    verbs = {verb for rule in rules(found.launcher) for verb in rule["verbs"]}
    assert verbs <= {"get", "list", "watch", "patch"}


def test_the_permissions_go_to_the_account_that_the_job_runs_as() -> None:
    objects = Objects().launcher
    by_kind = {each["kind"]: each for each in objects}
    account = objects[-1]["spec"]["template"]["spec"]["serviceAccountName"]
    assert by_kind["ServiceAccount"]["metadata"]["name"] == account
    assert [each["name"] for each in by_kind["RoleBinding"]["subjects"]] == [account]
    assert by_kind["RoleBinding"]["roleRef"]["name"] == by_kind["Role"]["metadata"]["name"]
