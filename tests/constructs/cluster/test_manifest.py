"""A manifest that may meet objects left by a failed deployment."""

from __future__ import annotations

from typing import Any

from aws_cdk.assertions import Template

from bionemo_eks.cluster.manifest import add_manifest
from tests.constructs.bare import bare_stack, some_cluster

KIND = "Custom::AWSCDK-EKS-KubernetesResource"
SOME = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "some"}}


def made(add: Any) -> Any:
    stack = bare_stack()
    add(some_cluster(stack), "Some", SOME)
    return Template.from_stack(stack).to_json()["Resources"]


def test_it_is_the_clusters_own_manifest_with_overwrite_set() -> None:
    """Another logical id would be a replacement, which deletes the object at its end."""
    plain = made(lambda cluster, *arguments: cluster.add_manifest(*arguments))
    ((name, resource),) = made(add_manifest).items()
    assert resource["Properties"].pop("Overwrite") is True
    assert plain == {name: resource}
