"""What an API server checks about a CustomResourceDefinition, beyond its schema.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.kubernetes.objects import KubernetesObject
from rehearsal.kubernetes.structural_schema import structural_errors


def crd_problems(item: KubernetesObject) -> Iterator[str]:
    """Yield what is wrong with a definition: its name, its scope, its versions."""
    spec = item["spec"]
    name = f"{spec['names']['plural']}.{spec['group']}"
    if item["metadata"]["name"] != name:
        yield f'metadata.name: Invalid value: must be spec.names.plural+"."+spec.group, {name}'
    if spec.get("scope") not in ("Cluster", "Namespaced"):
        yield f'spec.scope: Unsupported value: "{spec.get("scope")}"'
    if [bool(each.get("storage")) for each in spec["versions"]].count(True) != 1:
        yield "spec.versions: Invalid value: must have exactly one version marked as storage"
    for index, version in enumerate(spec["versions"]):
        where = f"spec.versions[{index}].schema.openAPIV3Schema"
        schema = version.get("schema", {}).get("openAPIV3Schema")
        if schema is None:
            yield f"{where}: Required value: schemas are required"
            continue
        for wrong in structural_errors(schema):
            yield f"{where}.{wrong}"
