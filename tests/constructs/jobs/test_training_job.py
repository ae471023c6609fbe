"""The PyTorchJob: its workers, its program, and which changes suspend it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bionemo_eks.jobs.places import FSX
from bionemo_eks.jobs.training_job import (
    PROGRAM_FOLDER,
)
from bionemo_eks.jobs.workloads import WORKLOADS
from start import parser
from tests.constructs.jobs.training_objects import Objects


def option(arguments: list[str], name: str) -> int:
    return int(arguments[arguments.index(name) + 1])


def test_the_training_waits_suspended_and_has_a_fixed_world() -> None:
    found = Objects()
    spec = found.training["spec"]
    assert spec["runPolicy"]["suspend"] is True
    policy = spec["elasticPolicy"]
    workers = found.worker["replicas"]
    assert policy["minReplicas"] == policy["maxReplicas"] == workers == found.settings.workers
    assert "metrics" not in policy, "with metrics the operator makes an HPA"


@pytest.mark.parametrize("nodes", ["1", "4"])
def test_a_training_that_keeps_failing_ends(nodes: str) -> None:
    """Otherwise a misspelled override would keep GPU nodes forever."""
    found = Objects(**{"gpu.nodes": nodes})
    spec, workers = found.training["spec"], found.worker["replicas"]
    # All containers' restarts count together: one each must not be the end.
    assert workers < spec["runPolicy"]["backoffLimit"] <= 5 * workers
    assert spec["elasticPolicy"]["maxRestarts"] == 0, "the start program counts, and cleans up"
    assert 1 < option(found.container["args"], "--failures") <= 10


@pytest.mark.parametrize(
    ("layout", "gpus", "workers"), [("pod-per-gpu", 1, 16), ("pod-per-node", 8, 2)]
)
def test_workers_take_each_gpu_once(layout: str, gpus: int, workers: int) -> None:
    found = Objects(**{"gpu.instance_type": "p4d.24xlarge", "training.layout": layout})
    assert found.worker["replicas"] == workers
    resources = found.container["resources"]
    assert int(resources["limits"]["nvidia.com/gpu"]) == gpus


def test_its_pods_have_no_permissions() -> None:
    found = Objects()
    assert found.worker["template"]["spec"]["automountServiceAccountToken"] is False
    context = found.container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    "change",
    [{"training.max_steps": "9000"}, {"training.enabled": "false"}, {"gpu.nodes": "1"}],
    ids=str,
)
def test_a_change_applies_the_suspension_again(change: dict[str, str]) -> None:
    """CloudFormation only passes on a changed object; kubectl then restores the field."""
    before, after = Objects().training, Objects(**change).training
    assert before != after
    assert before["metadata"]["name"] == after["metadata"]["name"]
    assert after["spec"]["runPolicy"]["suspend"] is True


@pytest.mark.parametrize("name", WORKLOADS)
def test_names_stay_short_enough_for_pods(name: str) -> None:
    found = Objects(**{"training.workload": name})
    for each in (found.training, *found.launcher):
        assert len(each["metadata"]["name"]) <= 63 - len("-abcde")


@pytest.mark.parametrize("layout", ["pod-per-gpu", "pod-per-node"])
def test_finished_pods_free_their_gpus_and_waiting_is_not_a_failure(layout: str) -> None:
    found = Objects(**{"training.layout": layout})
    assert found.training["spec"]["runPolicy"]["cleanPodPolicy"] == "Running"
    patience = {each["key"]: int(each["value"]) for each in found.policy["rdzvConf"]}
    assert patience["join_timeout"] >= 3600
    assert patience["read_timeout"] >= 3600
    assert option(found.container["args"], "--workers") == found.worker["replicas"]


def test_a_worker_has_time_to_save_and_does_not_hold_the_volume_for_long() -> None:
    """Spot's notice is two minutes; CDK's handler waits 15 for a volume that a pod still uses."""
    seconds = Objects().worker["template"]["spec"]["terminationGracePeriodSeconds"]
    assert parser().get_default("grace") + 10 <= seconds <= 120


def test_the_program_that_it_starts_is_in_the_config_map_that_it_mounts() -> None:
    found = Objects()
    (volume,) = [
        each["name"]
        for each in found.worker["template"]["spec"]["volumes"]
        if each.get("configMap", {}).get("name") == found.program["metadata"]["name"]
    ]
    (place,) = [
        each["mountPath"] for each in found.container["volumeMounts"] if each["name"] == volume
    ]
    start = Path(found.container["command"][-1])
    assert str(start.parent) == place
    assert found.program["data"][start.name] == (PROGRAM_FOLDER / start.name).read_text()
    rules = found.container["args"][found.container["args"].index("--rules") + 1]
    assert f"{rules}.py" in found.program["data"]


def test_the_program_accepts_its_command_line() -> None:
    arguments = Objects().container["args"]
    options = parser().parse_args(arguments)
    assert options.command == arguments[arguments.index("--") + 1 :]
    assert options.command[:3] == ["python3", "-m", "torch.distributed.run"]


def test_the_workers_shared_state_is_not_exported() -> None:
    found = Objects()
    arguments = found.container["args"]
    workload = found.settings.workload
    for name in ("--state", "--data-lock"):
        path = arguments[arguments.index(name) + 1]
        assert path.startswith(f"{FSX}/")
        assert not path.startswith((f"{workload.data}/", f"{workload.results}/"))
