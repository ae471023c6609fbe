"""Kubernetes objects as resources of a stack."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource
from aws_cdk import aws_eks_v2 as eks


def add_manifest(
    cluster: eks.ICluster, name: str, *objects: dict[str, Any]
) -> eks.KubernetesManifest:
    """Let `cluster.add_manifest` make the resource, whose first step takes over what is there.

    CDK's handler has kubectl `create` the objects. When that fails in the middle, CloudFormation
    does not delete the ones before it, and the next deployment would be refused: they exist. With
    `Overwrite` the handler applies them. `add_manifest` does not pass it on:
    https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_eks_v2/KubernetesManifest.html
    """
    manifest: eks.KubernetesManifest = cluster.add_manifest(name, *objects)
    resource = manifest.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_property_override("Overwrite", True)
    return manifest
