"""The layer's kubectl runs the steps of CDK's handler on a cluster, which is cleaned up after.

The API server is the tests' own.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import build
from rehearsal.kubernetes.objects import KubernetesObject
from rehearsal.kubernetes.relay import Step
from rehearsal.programs import cluster as module
from rehearsal.programs.cluster import Cluster, ClusterError
from rehearsal.programs.kubectl import KubectlError, extract
from tests.context import cdk_flags
from tests.rehearsal.kubernetes_api import LAYERS_KUBECTL_RUNS, Api, kubeconfig, serving
from tests.rehearsal.kubernetes_objects import (
    LABEL,
    binding,
    config_map,
    crd,
    job,
    made,
    training,
    volume,
)

pytestmark = [pytest.mark.slow, LAYERS_KUBECTL_RUNS]

NAMESPACE: KubernetesObject = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "kubeflow"},
}
CLAIM = made("PersistentVolumeClaim", "v1", "c", spec={"accessModes": ["ReadWriteMany"]})
DEFINITIONS, REST = [NAMESPACE, crd()], [volume(), CLAIM, binding(), job(), training()]
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims/c"
JOBS = "/apis/batch/v1/namespaces/default/jobs"


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cloud assembly with its assets."""
    folder = tmp_path_factory.mktemp("assembly")
    app = App(
        context=cdk_flags(),
        outdir=str(folder),
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )
    build(app)
    app.synth()
    return folder


@pytest.fixture(scope="module")
def program(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return extract(assembly, tmp_path_factory.mktemp("tools"))


class Served:
    """The tests' API server, the cluster on it, and the lines printed."""

    def __init__(self, api: Api, program: Path, config: Path, server: str) -> None:
        self.api, self.lines = api, list[str]()
        self.server, self.config = server, config
        self.cluster = Cluster(config, self.lines.append)
        self.cluster.begin(program, copy.deepcopy([*DEFINITIONS, *REST, job("prepare-2", "false")]))

    def apply(self, *items: KubernetesObject, prune: str | None = None) -> None:
        self.cluster.take(Step("apply", list(copy.deepcopy(items)), prune))

    def deploy(self) -> None:
        self.apply(*DEFINITIONS)
        self.apply(*REST)


@pytest.fixture
def served(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("HOME", str(tmp_path))
    api = Api()
    with serving(api) as server:
        config = tmp_path / "config"
        config.write_text(kubeconfig(server))
        yield Served(api, program, config, server)


def test_a_manifest_is_created_changed_pruned_and_deleted(served: Served) -> None:
    served.deploy()
    assert len(served.api.objects) == len(DEFINITIONS) + len(REST)
    # A repeated creation, as after a failure, is not an error.
    served.apply(*REST)
    served.apply(job("prepare-2", "false"), prune=LABEL)
    assert [path for path in served.api.objects if path.startswith(JOBS)] == [f"{JOBS}/prepare-2"]
    assert "job.batch/prepare pruned" in served.lines
    served.cluster.take(Step("delete", [training()]))
    assert not [path for path in served.api.objects if "pytorchjobs/train" in path]
    # A missing object is not an error for CDK's handler.
    served.cluster.take(Step("delete", [training()]))
    served.cluster.clear()
    assert served.api.objects == {}


def test_a_refusal_is_an_error_with_the_servers_message(served: Served) -> None:
    webhook = 'admission webhook "policy.example.org" denied the request: no hostPath'
    served.api.refuse = lambda verb, item: webhook if item["kind"] == "Job" else None
    served.apply(*DEFINITIONS)
    with pytest.raises(KubectlError, match="admission webhook"):
        served.apply(*REST)
    served.cluster.clear()
    assert served.api.objects == {}


@pytest.mark.parametrize(
    ("existing", "where"),
    [
        (CLAIM, "PersistentVolumeClaim/default/c"),
        (NAMESPACE, "Namespace/kubeflow"),
        # Another operator's: its jobs would be deleted with the definition.
        (crd(), r"CustomResourceDefinition\S+/pytorchjobs.kubeflow.org"),
        # It has another name, but `apply --prune` would remove it.
        (config_map("older"), "ConfigMap/default/older"),
    ],
)
def test_existing_objects_are_refused_and_stay(
    served: Served, existing: KubernetesObject, where: str
) -> None:
    other = Cluster(served.config, print)
    other.begin(served.cluster._kubectl._program, [existing])
    other.take(Step("create", [copy.deepcopy(existing)]))
    before = copy.deepcopy(served.api.objects)
    with pytest.raises(ClusterError, match=f"{where}(?s:.*)Nothing has been applied") as refused:
        served.cluster.refuse_existing()
    # Only for what may be the project's own, the message has a command that removes it.
    assert ("kubectl" in str(refused.value)) is (LABEL in existing["metadata"].get("labels", {}))
    served.cluster.clear()
    assert served.api.objects == before


def test_an_empty_cluster_is_accepted_with_its_version(served: Served) -> None:
    assert served.cluster.ask(served.server) == "v1.35.0-tests"
    served.cluster.refuse_existing()


def test_what_a_pod_holds_is_waited_for_and_reported(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REPORT_SECONDS", 0)
    served.deploy()
    served.api.objects[CLAIMS]["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    pod = made("Pod", "v1", "prepare-x7")
    pod["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "prepare"}]
    served.api.objects["/api/v1/namespaces/default/pods/prepare-x7"] = pod
    clearing = threading.Thread(target=served.cluster.clear)
    clearing.start()
    held = "Still there: PersistentVolumeClaim/default/c, Pod/default/prepare-x7"
    deadline = time.monotonic() + 60
    while held not in served.lines and time.monotonic() < deadline:
        time.sleep(0.1)
    assert held in served.lines
    for path in (CLAIMS, "/api/v1/namespaces/default/pods/prepare-x7"):
        del served.api.objects[path]
    clearing.join(timeout=60)
    assert served.api.objects == {}


def test_what_stays_ends_the_wait_with_its_name_and_finalizer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CLEAR_SECONDS", 2)
    served.deploy()
    served.api.objects[CLAIMS]["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    with (
        pytest.raises(KeyboardInterrupt) as stopped,
        served.cluster.cleared(),
    ):
        raise KeyboardInterrupt
    (note,) = stopped.value.__notes__
    assert "PersistentVolumeClaim/default/c (finalizers: kubernetes.io/pvc-protection)" in note
    assert [*served.api.objects] == [CLAIMS]


def test_a_deletion_that_hangs_ends_as_the_handlers_does(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HANDLER_SECONDS", 3)
    served.deploy()
    served.api.objects[CLAIMS]["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    with pytest.raises(KubectlError, match="kubectl delete -f did not end within 3 s"):
        served.cluster.take(Step("delete", [CLAIM]))
    # A refused deletion is not an error for CDK's handler; the object is found afterwards.
    served.api.refuse = lambda verb, item: "not yours" if verb == "delete" else None
    served.cluster.take(Step("delete", [NAMESPACE]))
    assert "Namespace/kubeflow" in served.cluster.left()


def test_no_step_continues_after_the_end(served: Served) -> None:
    served.deploy()
    served.api.objects[CLAIMS]["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    failed: list[BaseException] = []

    def delete() -> None:
        try:
            served.cluster.take(Step("apply", [NAMESPACE, CLAIM], None))
            served.cluster.take(Step("delete", [CLAIM]))
        except BaseException as error:
            failed.append(error)

    with served.cluster.steps_end():
        waiting = threading.Thread(target=delete)
        waiting.start()
        while ("delete", CLAIMS) not in served.api.changes:
            time.sleep(0.05)
    waiting.join(timeout=20)
    assert not waiting.is_alive()
    with pytest.raises(KubectlError, match="was stopped"):
        served.apply(NAMESPACE)


def test_an_unreachable_cluster_is_reported_with_the_commands(
    served: Served, program: Path, tmp_path: Path
) -> None:
    config = tmp_path / "gone"
    config.write_text(kubeconfig("http://127.0.0.1:9"))
    gone = Cluster(config, print)
    gone.begin(program, [CLAIM])
    with pytest.raises(KubectlError, match=f"kubeconfig {config}(?s:.*)Nothing has been applied"):
        gone.ask("http://127.0.0.1:9")
    with pytest.raises(KubectlError):
        gone.take(Step("apply", [CLAIM]))
    command = f"kubectl --kubeconfig {config} delete persistentvolumeclaim/c --namespace default"
    with pytest.raises(ClusterError, match=command):
        gone.clear()


def test_the_steps_are_those_of_cdks_own_handler(
    assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both run a kubectl that records its arguments."""
    record = tmp_path / "record"
    for name in ("aws", "kubectl"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\n[ {name} = aws ] || echo "$@" >> {record}\n')
        program.chmod(0o755)
    cluster = Cluster(tmp_path / "kubeconfig", print)
    cluster.begin(tmp_path / "kubectl", [])
    handler = handler_of(assembly, tmp_path, monkeypatch)
    for request, overwrite, step in (
        ("Create", "true", Step("apply", [CLAIM])),
        ("Create", "false", Step("create", [CLAIM])),
        ("Update", "true", Step("apply", [CLAIM], LABEL)),
        ("Delete", "true", Step("delete", [CLAIM])),
    ):
        record.write_text("")
        properties = {
            "ClusterName": "c",
            "Manifest": json.dumps(step.items),
            "Overwrite": overwrite,
            "PruneLabel": LABEL,
        }
        handler({"RequestType": request, "ResourceProperties": properties}, None)
        cluster.take(step)
        cdks, ours = (words(line, tmp_path) for line in record.read_text().splitlines())
        assert ours == cdks


def words(line: str, folder: Path) -> set[str]:
    """Return a command's words, with `-` for the manifest, which CDK's handler writes to a file."""
    return {*line.replace(str(folder / "manifest.yaml"), "-").split()}


def handler_of(assembly: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the function of CDK's kubectl handler, from the asset that would be deployed."""
    (source,) = {each.read_text() for each in assembly.glob("asset.*/apply/__init__.py")}
    monkeypatch.setenv("TEST_OUTDIR", str(folder))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    names: dict[str, Any] = {}
    exec(compile(source, "apply", "exec"), names)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return names["apply_handler"]
