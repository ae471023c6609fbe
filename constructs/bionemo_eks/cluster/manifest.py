"""Kubernetes objects as resources of a stack."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource
from aws_cdk import aws_eks_v2 as eks


def add_manifest(
    cluster: eks.ICluster, name: str, *objects: dict[str, Any]
) -> eks.KubernetesManifest:
    """Create the resource with `cluster.add_manifest`; it takes over objects that already exist.

    CDK's handler runs kubectl `create`. If that fails halfway, CloudFormation does not delete the
    objects already created, and the next deployment would fail because they exist. With `Overwrite`
    the handler applies them. `add_manifest` has no option for it:
    https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_eks_v2/KubernetesManifest.html
    """
    manifest: eks.KubernetesManifest = cluster.add_manifest(name, *objects)
    resource = manifest.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_property_override("Overwrite", True)
    return manifest
