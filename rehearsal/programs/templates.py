"""The Kubernetes objects in a cloud assembly's templates, before anything is deployed."""

from __future__ import annotations

import json
from pathlib import Path

from bionemo_eks.jobs.applied import applied_objects
from rehearsal.kubernetes.objects import KubernetesObject


def objects_of(assembly: Path) -> list[KubernetesObject]:
    """Return each object that the stacks apply; values known only at deployment are `<token>`.

    Names are always known.
    """
    return [
        each
        for template in sorted(assembly.glob("*.template.json"))
        for each in applied_objects(json.loads(template.read_text(encoding="utf-8")), "<token>")
    ]
