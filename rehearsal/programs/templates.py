"""The Kubernetes objects in a cloud assembly's templates, before anything is deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.objects import KubernetesObject

_MANIFEST = "Custom::AWSCDK-EKS-KubernetesResource"


def objects_of(assembly: Path) -> list[KubernetesObject]:
    """Return each object that the stacks apply; what only a deployment knows is `<token>`.

    No object's name is such: names are the same before and after.
    """
    found: list[KubernetesObject] = []
    for template in sorted(assembly.glob("*.template.json")):
        resources = json.loads(template.read_text(encoding="utf-8")).get("Resources", {})
        for resource in resources.values():
            if resource["Type"] == _MANIFEST:
                found += json.loads(_text(resource["Properties"]["Manifest"]))
    return found


def _text(value: Any) -> str:
    """Join an Fn::Join, the only way in which CDK puts tokens into a text."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else "<token>" for part in value["Fn::Join"][1])
