"""`python -m rehearsal run --kubeconfig`, on an API server of the tests."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.rehearsal.kubernetes_api import LAYERS_KUBECTL_RUNS, Api, kubeconfig, serving
from tests.rehearsal.processes import rehearsal, started

pytestmark = [pytest.mark.rehearsal, LAYERS_KUBECTL_RUNS]


def test_an_unreachable_cluster_is_refused_before_the_deployment(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig("http://127.0.0.1:9"))
    done = rehearsal("run", "--kubeconfig", str(config))
    assert done.returncode == 1
    assert f"--kubeconfig {config}, http://127.0.0.1:9, cannot be used" in done.stderr
    assert "cdk bootstrap" not in done.stdout
    logs = done.stderr.partition("until the next rehearsal: ")[2].splitlines()[0]
    assert (Path(logs) / "cdk-synth.log").exists()


NAMED_OWN = {"metadata": {"name": "own", "namespace": "default"}}
OWN = "/api/v1/namespaces/default/configmaps/own"


@pytest.fixture
def api() -> Api:
    """Return an API server's state with one of the user's own objects."""
    made = Api()
    made.post(OWN.rpartition("/")[0], {"kind": "ConfigMap", "apiVersion": "v1", **NAMED_OWN})
    return made


def test_a_real_cluster_is_deployed_to_updated_and_left_as_it_was(api: Api, tmp_path: Path) -> None:
    with serving(api) as server:
        config = tmp_path / "config"
        config.write_text(kubeconfig(server))
        done = rehearsal("run", "--kubeconfig", str(config), HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [*api.objects] == [OWN]
    verbs: dict[str, set[str]] = {}
    for verb, path in api.changes:
        kind = path.split("/")[-2]
        verbs.setdefault(kind, set()).add(verb)
    # All kinds are created and deleted; the update changes the training in place.
    assert all(each >= {"create", "delete"} for kind, each in verbs.items() if kind != "configmaps")
    assert verbs["pytorchjobs"] == {"create", "patch", "delete"}
    assert "pruned" in done.stdout.partition("Update training.max_steps")[2]
    not_applied = done.stdout.partition("Not applied to the cluster of --kubeconfig:")[2]
    assert all(each in not_applied[:200] for each in ("nvidia-device-plugin", "cluster-autoscaler"))
    assert "Nothing is left there." in done.stdout


def test_a_real_clusters_refusal_fails_the_rehearsal(api: Api, tmp_path: Path) -> None:
    words = "persistentvolumeclaims is forbidden: exceeded quota: none"
    api.refuse = lambda verb, item: words if item["kind"] == "PersistentVolumeClaim" else None
    with serving(api) as server:
        config = tmp_path / "config"
        config.write_text(kubeconfig(server))
        done = rehearsal("run", "--kubeconfig", str(config), HOME=str(tmp_path))
    assert done.returncode == 1
    assert "CREATE_FAILED" in done.stderr
    assert words in " ".join(done.stderr.split())
    assert [*api.objects] == [OWN]


def test_a_stopped_rehearsal_leaves_a_real_cluster_as_it_was(api: Api, tmp_path: Path) -> None:
    with serving(api) as server:
        config = tmp_path / "config"
        config.write_text(kubeconfig(server))
        with started(arguments=("--kubeconfig", str(config)), HOME=str(tmp_path)) as process:
            deadline = time.monotonic() + 400
            while not [path for _, path in api.changes if "/deployments/" in path]:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert [*api.objects] == [OWN]
    assert "Stopped. Nothing is left of this rehearsal." in printed
