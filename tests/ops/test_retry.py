"""What failed or was interrupted is restarted, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.applied import applied_objects
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import NOTES
from ops.cluster.api import ClusterError
from ops.cluster.deployed import LAST_APPLIED, deployed_objects
from ops.retry import Plan, What, carry_out, look, plan
from tests.context import read_settings
from tests.ops.cluster_api import JOBS, PYTORCH, Cluster, condition, job, serving, training
from tests.ops.reading import in_order
from tests.simulated.accounts import simulated_deployment
from tests.simulated.aws import Answers

SETTINGS: Settings = read_settings({})
COMPLETE = {"conditions": [condition("Complete")]}
FAILED = {"conditions": [condition("Failed", "Job has reached the specified backoff limit")]}
ACTIVE = {"active": 1}


@pytest.fixture(scope="module")
def deployed(default: Any) -> list[KubernetesObject]:
    """What the stack of the real template applied to the cluster."""
    body = json.dumps(default.json("Workload"))
    answers: Answers = {"cloudformation.get_template": {"TemplateBody": body}}
    return deployed_objects(simulated_deployment({}, answers))


def named(deployed: list[KubernetesObject], prefix: str) -> KubernetesObject:
    (found,) = [each for each in deployed if each["metadata"]["name"].startswith(prefix)]
    return found


class Situation:
    """A cluster with the jobs in some states; a status of None is a job that does not exist."""

    def __init__(
        self,
        deployed: list[KubernetesObject],
        data: dict[str, Any] | None,
        launcher: dict[str, Any] | None,
        pytorch_job: dict[str, Any] | None,
    ) -> None:
        self.cluster = Cluster()
        names = {
            "uniref50-download": named(deployed, "uniref50-download-")["metadata"]["name"],
            "esm1nv-launcher": named(deployed, "esm1nv-launcher-")["metadata"]["name"],
        }
        listed = zip(names.items(), (data, launcher), strict=True)
        self.cluster.lists = {
            JOBS: [
                job(name, app, **status) for (app, name), status in listed if status is not None
            ],
            PYTORCH: [pytorch_job] if pytorch_job else [],
        }
        self.deployed = deployed

    def plan(self, what: What) -> Plan:
        with serving(self.cluster) as api:
            return plan(what, look(api, SETTINGS, self.deployed))


SUSPENDED, RUNS = training(True, condition("Created")), training(False, condition("Running"))
ENDED_WELL = training(False, condition("Created"), condition("Succeeded"))
ENDED_BADLY = training(False, condition("Created"), condition("Failed", "backoff limit"))

# What to retry, the states of data Job, launcher and training, and which are recreated.
CASES: dict[str, tuple[What, Any, Any, Any, list[str]]] = {
    "data failed": (What.DATA, FAILED, ACTIVE, SUSPENDED, ["data"]),
    "data failed, launcher too": (What.DATA, FAILED, FAILED, SUSPENDED, ["data", "launcher"]),
    "data Job deleted": (What.DATA, None, ACTIVE, SUSPENDED, ["data"]),
    "data under way": (What.DATA, ACTIVE, ACTIVE, SUSPENDED, []),
    "data finished": (What.DATA, COMPLETE, COMPLETE, RUNS, []),
    "training failed": (What.TRAINING, COMPLETE, COMPLETE, ENDED_BADLY, ["launcher"]),
    "training suspended": (What.TRAINING, COMPLETE, COMPLETE, SUSPENDED, ["launcher"]),
    "launcher gave up": (What.TRAINING, COMPLETE, FAILED, SUSPENDED, ["launcher"]),
    "launcher deleted": (What.TRAINING, COMPLETE, None, SUSPENDED, ["launcher"]),
    "launcher waits for data": (What.TRAINING, ACTIVE, ACTIVE, SUSPENDED, []),
    "launcher gave up, data on": (What.TRAINING, ACTIVE, FAILED, SUSPENDED, ["launcher"]),
    "launcher at work": (What.TRAINING, COMPLETE, ACTIVE, ENDED_BADLY, []),
    "training runs": (What.TRAINING, COMPLETE, COMPLETE, RUNS, []),
    "training finished": (What.TRAINING, COMPLETE, COMPLETE, ENDED_WELL, []),
    "training deleted": (What.TRAINING, COMPLETE, COMPLETE, None, ["pretraining", "launcher"]),
}


@pytest.mark.parametrize("case", CASES)
def test_only_what_failed_or_waits_is_recreated(
    case: str, deployed: list[KubernetesObject]
) -> None:
    what, data, launcher, pytorch_job, expected = CASES[case]
    found = Situation(deployed, data, launcher, pytorch_job).plan(what)
    prefixes = {
        "data": "uniref50-download-",
        "launcher": "esm1nv-launcher-",
        "pretraining": "esm1nv-pretraining",
    }
    assert list(found.again) == [named(deployed, prefixes[each]) for each in expected]
    assert not found.refused


def test_a_finished_training_names_its_steps(deployed: list[KubernetesObject]) -> None:
    found = Situation(deployed, COMPLETE, COMPLETE, ENDED_WELL).plan(What.TRAINING)
    assert "finished" in found.said
    assert f"training.max_steps ({SETTINGS.training.max_steps})" in found.said


def test_a_training_past_its_deadline_is_not_restarted(
    deployed: list[KubernetesObject],
) -> None:
    why = {"stopped_by": "deadline", "stopped_why": "training.max_hours is 24"}
    stopped = {**SUSPENDED, "metadata": {**SUSPENDED["metadata"]}}
    stopped["metadata"]["annotations"] = {NOTES: json.dumps(why)}
    found = Situation(deployed, COMPLETE, COMPLETE, stopped).plan(What.TRAINING)
    assert (found.refused, found.again) == (True, ())
    assert in_order(found.said, "training.max_hours is 24", "make deploy")


def test_what_has_failed_is_reported_with_its_reason(deployed: list[KubernetesObject]) -> None:
    assert "backoff limit" in Situation(deployed, FAILED, ACTIVE, SUSPENDED).plan(What.DATA).said
    found = Situation(deployed, COMPLETE, COMPLETE, ENDED_BADLY).plan(What.TRAINING)
    assert "backoff limit" in found.said


@pytest.mark.parametrize("data", [FAILED, None])
def test_no_training_is_started_without_its_data(data: Any, deployed: list[Any]) -> None:
    found = Situation(deployed, data, FAILED, SUSPENDED).plan(What.TRAINING)
    assert found.refused
    assert not found.again
    assert "./bionemo retry data" in found.said


def test_a_disabled_training_is_not_started(synth: Any) -> None:
    objects = list(applied_objects(synth(**{"training.enabled": "false"}).json("Workload")))
    with serving(Cluster()) as api:
        found = plan(What.TRAINING, look(api, SETTINGS, objects))
    assert found.refused
    assert "training.enabled" in found.said


def test_recreated_jobs_are_managed_by_the_next_update_and_by_destroy(
    deployed: list[KubernetesObject],
) -> None:
    """By name, by the label that prunes, and by what kubectl remembers of them."""
    situation = Situation(deployed, FAILED, FAILED, SUSPENDED)
    with serving(situation.cluster) as api:
        carry_out(api, plan(What.DATA, look(api, SETTINGS, deployed)), lambda text: None)
    expected = [named(deployed, "uniref50-download-"), named(deployed, "esm1nv-launcher-")]
    assert [each["metadata"]["name"] for each in situation.cluster.made] == [
        each["metadata"]["name"] for each in expected
    ]
    for made, item in zip(situation.cluster.made, expected, strict=True):
        assert [label for label in made["metadata"]["labels"] if label.startswith("aws.cdk.eks/")]
        remembered = json.loads(made["metadata"]["annotations"][LAST_APPLIED])
        assert remembered["spec"] == item["spec"] == made["spec"]
        assert remembered["metadata"] == {**item["metadata"], "annotations": {}}


def test_the_old_job_is_deleted_with_its_pods_before_the_new_one_is_created(
    deployed: list[KubernetesObject],
) -> None:
    situation = Situation(deployed, FAILED, ACTIVE, SUSPENDED)
    with serving(situation.cluster) as api:
        carry_out(api, plan(What.DATA, look(api, SETTINGS, deployed)), lambda text: None)
    ((name, asked),) = situation.cluster.deleted
    assert name.startswith("uniref50-download-")
    assert asked["propagationPolicy"] == "Foreground"
    (made,) = situation.cluster.made
    assert made["metadata"]["name"] == name


def test_a_job_that_cannot_be_deleted_is_reported(
    deployed: list[KubernetesObject], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.retry._GONE", 0.2)
    monkeypatch.setattr("ops.retry._LOOK", 0.05)
    situation = Situation(deployed, FAILED, ACTIVE, SUSPENDED)
    situation.cluster.stays = True
    with serving(situation.cluster) as api:
        found = plan(What.DATA, look(api, SETTINGS, deployed))
        with pytest.raises(ClusterError, match="still exists after"):
            carry_out(api, found, lambda text: None)
    assert situation.cluster.made == []


def test_a_template_already_parsed_by_boto3_is_read_too(default: Any, deployed: list[Any]) -> None:
    assert list(applied_objects(default.json("Workload"))) == deployed
