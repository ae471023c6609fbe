"""The ledger accepts a malformed object or says why not; no other error occurs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.kubernetes.objects import RefusedError

# Thousands of objects are checked.
pytestmark = pytest.mark.slow

REMOVED, UNKNOWN = object(), object()
OTHERS: tuple[Any, ...] = (REMOVED, UNKNOWN, None, "", "text", 7, [], ["a"], {}, {"a": "b"})
KINDS = (
    "ConfigMap",
    "CustomResourceDefinition",
    "Deployment",
    "Job",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PyTorchJob",
    "Role",
    "RoleBinding",
    "ServiceAccount",
)
Path = tuple[str | int, ...]


@pytest.fixture(scope="module")
def objects(default: Any) -> list[dict[str, Any]]:
    """Return all objects of the default deployment, in the order applied."""
    return [*default.kubernetes_objects("Addons"), *default.kubernetes_objects("Workload")]


@pytest.fixture
def ledger(objects: list[dict[str, Any]]) -> Ledger:
    """Return a ledger with all of them."""
    made = Ledger("1.35")
    made.create(objects)
    return made


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    inside = enumerate(value) if isinstance(value, list) else ()
    for name, each in value.items() if isinstance(value, dict) else inside:
        yield from paths(each, (*path, name))


def spoiled(item: dict[str, Any], path: Path, other: Any) -> Any:
    """Return a copy with another value at `path`, or without it, or with an unknown field in it."""
    item = copy.deepcopy(item)
    parent: Any = {"": item}
    *before, last = ("", *path)
    for name in before:
        parent = parent[name]
    if other is REMOVED:
        del parent[last]
    elif other is not UNKNOWN:
        parent[last] = copy.deepcopy(other)
    elif isinstance(parent[last], dict):
        parent[last]["unknownField"] = "x"
    return item


def variants(item: dict[str, Any]) -> Iterator[Any]:
    for path in paths(item):
        for other in OTHERS:
            if path or other is not REMOVED:
                yield spoiled(item, path, other)


def shortened(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a CRD without its repetitive parts, such as the pod template."""
    short = copy.deepcopy(definition)
    whole = short["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    del whole["status"]
    spec = whole["spec"]["properties"]
    del spec["runPolicy"], spec["elasticPolicy"]["properties"]["metrics"]
    del spec["pytorchReplicaSpecs"]["additionalProperties"]["properties"]["template"]["properties"]
    return short


@pytest.mark.parametrize("kind", KINDS)
def test_a_malformed_object_is_refused_or_accepted(
    kind: str, ledger: Ledger, objects: list[dict[str, Any]]
) -> None:
    # Objects of one kind are alike; Jobs are not.
    some = [each for each in objects if each["kind"] == kind][: None if kind == "Job" else 1]
    if kind == "CustomResourceDefinition":
        some = [shortened(each) for each in some]
    (training,) = [each for each in objects if each["kind"] == "PyTorchJob"]
    refused = taken = 0
    for variant in (each for item in some for each in variants(item)):
        try:
            ledger.apply([variant], "label")
            taken += 1
            if kind == "CustomResourceDefinition":
                ledger.apply([training], None)
        except RefusedError:
            refused += 1
    assert refused > taken > 0
