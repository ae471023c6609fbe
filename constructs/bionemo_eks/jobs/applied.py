"""The Kubernetes objects that a CloudFormation template applies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bionemo_eks.jobs.manifests import KubernetesObject

# The resource type of `cluster.add_manifest`:
# https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-eks-v2/lib/k8s-manifest.ts
_MANIFEST = "Custom::AWSCDK-EKS-KubernetesResource"


def applied_objects(
    template: Mapping[str, Any], token: str | None = None
) -> Iterator[KubernetesObject]:
    """Yield each object that a template's manifests apply, in order.

    `token` replaces what only CloudFormation knows, such as an id; None: manifests that contain
    such values are skipped.
    """
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == _MANIFEST:
            text = _text(resource["Properties"]["Manifest"], token)
            yield from json.loads(text) if text else ()


def _text(value: Any, token: str | None) -> str:
    """Join an Fn::Join, the only way in which CDK puts tokens into text."""
    if isinstance(value, str):
        return value
    if token is None:
        return ""
    return "".join(part if isinstance(part, str) else token for part in value["Fn::Join"][1])
