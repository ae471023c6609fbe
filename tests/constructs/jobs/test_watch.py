"""The watch's objects: when they change, what they may do, and that their pod can run."""

from __future__ import annotations

from typing import Any

import pytest

from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import capacity_block
from bionemo_eks.jobs.watch import PROGRAM_FOLDER, watch_objects
from tests.context import read_settings

Objects = list[dict[str, Any]]


def made(launcher: str | None = "some-launcher", **changes: str) -> Objects:
    def job(name: str) -> dict[str, Any]:
        return {"metadata": {"name": name}}

    return watch_objects(
        read_settings(changes),
        dataset_job=job("some-data-job"),
        training_job=job("some-training"),
        launcher=job(launcher) if launcher else None,
    )


def only(objects: Objects, kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def container(objects: Objects) -> dict[str, Any]:
    (found,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)


def options(objects: Objects) -> dict[str, str]:
    arguments = container(objects)["args"]
    return dict(zip(arguments[::2], arguments[1::2], strict=True))


def test_it_may_only_read_and_only_what_it_watches() -> None:
    objects = made()
    watched = {options(objects)[each] for each in ("--data-job", "--launcher", "--training")}
    rules = only(objects, "Role")["rules"]
    of_logs = [rule for rule in rules if rule["resources"] == ["pods/log"]]
    (logs,) = (rule["resourceNames"] for rule in of_logs)
    assert logs == [f"some-training-worker-{number}" for number in range(16)]
    named = {name for rule in rules for name in rule.get("resourceNames", [])}
    assert named - set(logs) == watched
    assert watched == {"some-data-job", "some-launcher", "some-training"}
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}


BLOCK = {
    "gpu.purchase": "capacity-block",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}


def test_in_a_capacity_block_it_knows_when_the_training_must_be_gone() -> None:
    given = options(made(**BLOCK))
    assert given["--block"] == BLOCK["gpu.capacity_reservation_id"]
    assert float(given["--margin"]) > 40, "before EKS takes the nodes"
    assert "--block" not in options(made())


@pytest.mark.parametrize("limit", [{"training.max_hours": "24"}, BLOCK])
def test_it_may_suspend_that_one_training_when_there_is_a_limit(limit: dict[str, str]) -> None:
    rules = only(made(**limit), "Role")["rules"]
    patches = [rule for rule in rules if "patch" in rule["verbs"]]
    assert [(rule["resources"], rule["resourceNames"]) for rule in patches] == [
        (["pytorchjobs"], ["some-training"])
    ]


def test_without_a_training_it_still_watches_the_data_job() -> None:
    objects = made(launcher=None)
    assert "--launcher" not in options(objects)
    assert options(objects)["--data-job"] == "some-data-job"
    rules = only(objects, "Role")["rules"]
    assert ["some-data-job"] in [rule.get("resourceNames") for rule in rules]


def test_the_permissions_go_to_the_account_that_it_runs_as() -> None:
    objects = made()
    account = only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    assert only(objects, "ServiceAccount")["metadata"]["name"] == account
    assert [each["name"] for each in only(objects, "RoleBinding")["subjects"]] == [account]
    assert (
        only(objects, "RoleBinding")["roleRef"]["name"] == only(objects, "Role")["metadata"]["name"]
    )


def test_the_pod_runs_the_program_and_not_the_images_entry_point() -> None:
    objects = made()
    program = only(objects, "ConfigMap")
    python, file = container(objects)["command"]
    assert python == "python3"
    (mount,) = container(objects)["volumeMounts"]
    folder, _, name = file.rpartition("/")
    assert (folder, name in program["data"]) == (mount["mountPath"], True)
    (volume,) = only(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert volume["configMap"]["name"] == program["metadata"]["name"]
    folders = (PROGRAM_FOLDER, capacity_block.PROGRAM_FOLDER)
    brought = {each.name for folder in folders for each in folder.glob("*.py")}
    assert set(program["data"]) == brought


def test_a_changed_program_makes_a_new_config_map(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """An immutable one is never changed, and the pod restarts with the new one."""
    before = only(made(), "ConfigMap")
    assert before["immutable"] is True
    (tmp_path / "watch_jobs.py").write_text("print()")
    monkeypatch.setattr("bionemo_eks.jobs.watch.PROGRAM_FOLDER", tmp_path)
    after = made()
    assert only(after, "ConfigMap")["metadata"]["name"] != before["metadata"]["name"]


def test_its_selector_never_changes() -> None:
    """A Deployment's selector cannot be changed."""
    for objects in (made(), made(launcher=None, **{"gpu.nodes": "4"})):
        spec = only(objects, "Deployment")["spec"]
        assert spec["selector"] == {"matchLabels": {"app.kubernetes.io/name": "esm1nv-watch"}}
        assert spec["strategy"]["type"] == "Recreate", "two would publish the same twice"


def test_it_runs_on_core_nodes_with_few_permissions() -> None:
    pod = only(made(), "Deployment")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"NodeGroupType": "core"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container(made())["securityContext"]["readOnlyRootFilesystem"] is True


def test_its_image_is_pinned_to_a_day() -> None:
    assert len(IMAGES["watch"].reference.rpartition(":")[2].split(".")) > 3
