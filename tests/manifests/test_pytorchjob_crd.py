"""The PyTorchJob CRD: it accepts correct jobs, and rejects typos that the operator would ignore."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bionemo_eks.jobs import manifests
from rehearsal.kubernetes.custom_objects import PRESERVE, refusals
from tests.manifests.crd_rules import structural_errors, typed_fields
from tests.manifests.jobs import GOOD_JOBS, PROJECT_JOB

VERSION = manifests.load_one("training-operator/pytorchjob-crd.yaml")["spec"]["versions"][0]
SCHEMA: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]


class TestSchema:
    def test_is_structural(self) -> None:
        assert structural_errors(SCHEMA) == []

    @pytest.mark.parametrize(
        "bad",
        [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "properties": {"a": {}}},
            {"type": "object", "properties": {"a": {"$ref": "#/b"}}},
            {"type": "object", "additionalProperties": False},
            {"type": "object", "properties": {"a": {"type": "array"}}},
            {"type": "object", "anyOf": [{"properties": {"a": {"minimum": 1}}}]},
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}},
                "not": {"properties": {"a": {"type": "string"}}},
            },
        ],
        ids=str,
    )
    def test_that_check_notices_one_that_is_not_structural(self, bad: dict[str, Any]) -> None:
        assert structural_errors(bad)

    def test_it_requires_no_field_that_it_would_prune(self) -> None:
        """An API server accepts such a schema, but then no object."""

        def undescribed(node: Any) -> list[str]:
            if not isinstance(node, dict):
                return []
            described = node.get("properties", {})
            children = [*described.values(), node.get("items"), node.get("additionalProperties")]
            below = [name for child in children for name in undescribed(child)]
            named = node.get("required", [])
            return below + [name for name in named if name not in described]

        assert undescribed({"required": ["a"], "properties": {"b": {}}}) == ["a"]
        assert undescribed(SCHEMA) == []

    def test_status_and_scale_point_at_described_fields(self) -> None:
        assert VERSION["subresources"]["status"] == {}
        for path in VERSION["subresources"]["scale"].values():
            assert _described(path), path
        for column in VERSION["additionalPrinterColumns"]:
            if not column["jsonPath"].startswith(".metadata"):
                assert _described(column["jsonPath"].replace("[-1:]", ".[]")), column

    @pytest.mark.parametrize("name", GOOD_JOBS)
    def test_accepts_the_job(self, name: str) -> None:
        assert refusals(SCHEMA, GOOD_JOBS[name]) == []

    @pytest.mark.parametrize("restarts", ["Always", "OnFailure", "Never", "ExitCode"])
    def test_accepts_every_restart_policy(self, restarts: str) -> None:
        assert refusals(SCHEMA, _changed("Worker.restartPolicy", restarts)) == []

    @pytest.mark.parametrize("quantity", [1, "1", "0.5", "500m", "64Gi", "1e3", "+2", ".5", "1E"])
    def test_accepts_every_form_of_a_quantity(self, quantity: object) -> None:
        assert refusals(SCHEMA, _changed("pytorch.resources.limits.cpu", quantity)) == []


# Short names for places in a job.
_WORKER = ("spec", "pytorchReplicaSpecs", "Worker")
_PLACES: dict[str, tuple[str | int, ...]] = {
    "spec": ("spec",),
    "Worker": _WORKER,
    "pod": (*_WORKER, "template", "spec"),
    "pytorch": (*_WORKER, "template", "spec", "containers", 0),
}
_REMOVED = object()


def _changed(where: str, value: object) -> dict[str, Any]:
    """Return the project's job with one field set or removed; `where` is place.field.field."""
    job: dict[str, Any] = copy.deepcopy(PROJECT_JOB)
    place, *fields = where.split(".")
    at: Any = job
    for step in (*_PLACES[place], *fields[:-1]):
        at = at.setdefault(step, {}) if isinstance(at, dict) else at[step]
    if value is _REMOVED:
        del at[fields[-1]]
    else:
        at[fields[-1]] = value
    return job


def _described(json_path: str) -> bool:
    node = SCHEMA
    for name in filter(None, json_path.split(".")):
        free = node.get("items" if name == "[]" else "additionalProperties")
        node = node.get("properties", {}).get(name) or free or {}
    return "type" in node


class TestSchemaRejects:
    @pytest.mark.parametrize(
        ("where", "value"),
        [
            ("spec.nprocPerNod", "8"),
            ("spec.elasticPolcy", {"minReplicas": 1}),
            ("spec.elasticPolicy.maxReplica", 16),
            ("spec.runPolicy.suspended", True),
            ("spec.pytorchReplicaSpec", {}),
            ("Worker.replica", 16),
            ("pod.nodeSelecter", {"eks-node": "gpu"}),
            ("pod.toleration", []),
            ("pytorch.imgae", "a"),
            ("pytorch.resources.limit", {"nvidia.com/gpu": 1}),
            ("pytorch.securityContext.runAsNonroot", True),
            ("pytorch.env", [{"name": "A", "valeu": "1"}]),
            ("pytorch.volumeMounts", [{"name": "fsx", "mountpath": "/fsx"}]),
            ("pod.volumes", [{"name": "shm", "emptydir": {}}]),
            ("pod.affinity.nodeAffinty", {}),
        ],
    )
    def test_a_misspelled_field(self, where: str, value: object) -> None:
        assert refusals(SCHEMA, _changed(where, value))

    @pytest.mark.parametrize(
        ("where", "value"),
        [
            ("Worker.replicas", "16"),
            ("Worker.replicas", -1),
            ("Worker.restartPolicy", "OnFailuer"),
            ("spec.runPolicy.suspend", "true"),
            ("spec.runPolicy.cleanPodPolicy", "Nothing"),
            ("spec.elasticPolicy.rdzvBackend", "c10"),
            ("spec.elasticPolicy.minReplicas", 0),
            ("pytorch.resources.limits.memory", "16GB"),
            ("pytorch.env", [{"name": "A", "value": 1}]),
            ("pytorch.image", _REMOVED),
            ("pytorch.args", "--config"),
            ("pod.tolerations", [{"key": "nvidia.com/gpu", "operator": "Exist"}]),
            ("pod.containers", []),
            ("spec.pytorchReplicaSpecs", _REMOVED),
            ("spec.pytorchReplicaSpecs", {}),
        ],
    )
    def test_a_wrong_value(self, where: str, value: object) -> None:
        assert refusals(SCHEMA, _changed(where, value))

    def test_a_replica_type_that_the_operator_does_not_know(self) -> None:
        for kind in ("worker", "Wroker", "Chief"):
            assert refusals(SCHEMA, _changed(f"spec.pytorchReplicaSpecs.{kind}", _worker()))

    def test_a_job_without_the_container_that_the_operator_needs(self) -> None:
        assert refusals(SCHEMA, _changed("pytorch.name", "trainer"))

    def test_processes_per_pod_given_twice(self) -> None:
        # PROJECT_JOB has elasticPolicy.nProcPerNode; the operator rejects the newer field with it.
        assert refusals(SCHEMA, _changed("spec.nprocPerNode", "8"))
        job = _changed("spec.nprocPerNode", "8")
        del job["spec"]["elasticPolicy"]["nProcPerNode"]
        assert refusals(SCHEMA, job) == []

    @settings(deadline=None)  # the machine may be busy
    @given(data=st.data(), name=st.sampled_from(sorted(GOOD_JOBS)))
    def test_any_field_with_a_typo(self, data: st.DataObject, name: str) -> None:
        job = copy.deepcopy(GOOD_JOBS[name])
        fields = [field for field in typed_fields(SCHEMA, job) if field[0] == "spec"]
        *parents, field = data.draw(st.sampled_from(fields))
        at: Any = job
        for step in parents:
            at = at[step]
        misspelled = data.draw(_misspellings(field))
        at[misspelled] = at.pop(field)
        assert refusals(SCHEMA, job), f"{parents}: {misspelled} was accepted"


def _worker() -> dict[str, Any]:
    worker: dict[str, Any] = copy.deepcopy(PROJECT_JOB["spec"]["pytorchReplicaSpecs"]["Worker"])
    return worker


def _misspellings(word: str) -> st.SearchStrategy[str]:
    """Words one typo away from `word` that are no field's name."""
    slips = {word[:at] + word[at + 1 :] for at in range(len(word))}
    slips |= {word[:at] + letter + word[at:] for at in range(len(word) + 1) for letter in "sxe"}
    slips |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    slips |= {word.lower(), word[:1].upper() + word[1:]}
    return st.sampled_from(sorted(slips - FIELD_NAMES - {""}))


def _names(schema: dict[str, Any]) -> set[str]:
    found = set(schema.get("properties", {}))
    for child in schema.get("properties", {}).values():
        found |= _names(child)
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            found |= _names(schema[word])
    return found


FIELD_NAMES = _names(SCHEMA)


def test_only_rare_leaves_accept_any_content() -> None:
    """No part of the schema that the project's own job uses accepts arbitrary content."""

    def free(schema: dict[str, Any], instance: Any, path: str) -> list[str]:
        if schema.get(PRESERVE):
            return [path]
        if isinstance(instance, list):
            return [
                found for item in instance for found in free(schema["items"], item, path + "[]")
            ]
        if not isinstance(instance, dict):
            return []
        described, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
        return [
            found
            for name, item in instance.items()
            for found in free(described.get(name, rest), item, f"{path}.{name}")
        ]

    assert free(SCHEMA, PROJECT_JOB, "") == []
